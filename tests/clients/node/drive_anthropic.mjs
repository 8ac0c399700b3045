// The Anthropic SDK.
import Anthropic from "@anthropic-ai/sdk";
import { CITY_SCHEMA, PROMPT, PROXY_URL, TEAM_KEY, act, same } from "./acting.mjs";

const client = new Anthropic({ baseURL: PROXY_URL, apiKey: TEAM_KEY });
const request = { max_tokens: 50, messages: [{ role: "user", content: PROMPT }] };

await act({
  async list() {
    return (await Array.fromAsync(client.models.list())).map((model) => model.id);
  },
  async chat(model) {
    const answer = await client.messages.create({ model, ...request, system: "Be brief." });
    same("model", answer.model, model);
    return answer.content[0].text;
  },
  async stream(model) {
    return client.messages.stream({ model, ...request }).finalText();
  },
  async tools(model) {
    const tools = [{ name: "weather", input_schema: CITY_SCHEMA }];
    const streamed = client.messages.stream({ model, ...request, tools, tool_choice: { type: "any" } });
    const [block] = (await streamed.finalMessage()).content;
    return [block.name, block.input];
  },
  async structured(model) {
    const output_config = { format: { type: "json_schema", schema: CITY_SCHEMA } };
    return JSON.parse((await client.messages.create({ model, ...request, output_config })).content[0].text);
  },
  async count(model) {
    return (await client.messages.countTokens({ model, messages: request.messages })).input_tokens > 0;
  },
});
