// Vercel's AI SDK, with whichever of its providers.
import { Output, embed, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { CITY_SCHEMA, PROMPT } from "./acting.mjs";

export async function text(model) {
  return (await generateText({ model, prompt: PROMPT })).text;
}

export async function streamed(model) {
  let failure;
  const onError = ({ error }) => (failure = error);
  const pieces = await Array.fromAsync(streamText({ model, prompt: PROMPT, onError }).textStream);
  if (failure) throw failure;
  return pieces.join("");
}

// Two calls: the one that the tool answers, and the one that is told what the tool said.
export async function toolCall(model) {
  const weather = tool({ inputSchema: jsonSchema(CITY_SCHEMA), execute: async () => "sunny" });
  const prepareStep = ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "auto" });
  const stopWhen = stepCountIs(2);
  const { steps } = await generateText({ model, prompt: PROMPT, tools: { weather }, prepareStep, stopWhen });
  const [call] = steps[0].toolCalls;
  return [call.toolName, call.input];
}

export async function object(model) {
  const output = Output.object({ schema: jsonSchema(CITY_SCHEMA) });
  return (await generateText({ model, prompt: PROMPT, output })).output;
}

export async function embedding(model) {
  return (await embed({ model, value: PROMPT })).embedding;
}
