// The OpenAI SDK.
import OpenAI from "openai";
import { CITY_SCHEMA, PROMPT, PROXY_URL, TEAM_KEY, act, same } from "./acting.mjs";

const client = new OpenAI({ baseURL: `${PROXY_URL}/v1`, apiKey: TEAM_KEY });
const messages = [{ role: "user", content: PROMPT }];
const schema = { name: "place", schema: CITY_SCHEMA, strict: true };

await act({
  async list() {
    return (await Array.fromAsync(client.models.list())).map((model) => model.id);
  },
  async chat(model) {
    const answer = await client.chat.completions.create({ model, messages });
    same("model", answer.model, model);
    return answer.choices[0].message.content;
  },
  async stream(model) {
    const streamed = await client.chat.completions.create({ model, messages, stream: true });
    return (await Array.fromAsync(streamed)).map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  },
  async tools(model) {
    const tools = [{ type: "function", function: { name: "weather", parameters: CITY_SCHEMA } }];
    const streamed = client.chat.completions.stream({ model, messages, tools, tool_choice: "required" });
    const [call] = (await streamed.finalChatCompletion()).choices[0].message.tool_calls;
    return [call.function.name, JSON.parse(call.function.arguments)];
  },
  async structured(model) {
    const response_format = { type: "json_schema", json_schema: schema };
    const answer = await client.chat.completions.parse({ model, messages, response_format });
    return JSON.parse(answer.choices[0].message.content);
  },
  async embeddings(model) {
    return (await client.embeddings.create({ model, input: PROMPT })).data[0].embedding;
  },
  async responses(model) {
    const answer = await client.responses.create({ model, input: PROMPT, store: false });
    same("model", answer.model, model);
    return answer.output_text;
  },
  async responses_stream(model) {
    return (await client.responses.stream({ model, input: PROMPT }).finalResponse()).output_text;
  },
});
