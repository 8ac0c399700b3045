// Vercel's AI SDK with its provider for OpenAI-compatible services.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { PROXY_URL, TEAM_KEY, act } from "./acting.mjs";
import { embedding, object, streamed, text, toolCall } from "./vercel.mjs";

const baseURL = `${PROXY_URL}/v1`;
const provider = createOpenAICompatible({ name: "saas", baseURL, apiKey: TEAM_KEY, supportsStructuredOutputs: true });

await act({
  chat: (model) => text(provider(model)),
  stream: (model) => streamed(provider(model)),
  tools: (model) => toolCall(provider(model)),
  structured: (model) => object(provider(model)),
  embeddings: (model) => embedding(provider.embeddingModel(model)),
});
