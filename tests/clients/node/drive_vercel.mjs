// Vercel's AI SDK with its OpenAI provider, which asks on the responses interface unless told otherwise.
import { createOpenAI } from "@ai-sdk/openai";
import { PROXY_URL, TEAM_KEY, act } from "./acting.mjs";
import { embedding, object, streamed, text, toolCall } from "./vercel.mjs";

const provider = createOpenAI({ baseURL: `${PROXY_URL}/v1`, apiKey: TEAM_KEY });

await act({
  chat: (model) => text(provider.chat(model)),
  stream: (model) => streamed(provider.chat(model)),
  tools: (model) => toolCall(provider(model)),
  structured: (model) => object(provider(model)),
  embeddings: (model) => embedding(provider.embedding(model)),
  responses: (model) => text(provider(model)),
  responses_stream: (model) => streamed(provider(model)),
});
