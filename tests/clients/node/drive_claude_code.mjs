// Claude Code, the command; it streams.
import { readFileSync } from "node:fs";
import { PROMPT, PROXY_URL, TEAM_KEY, act, saidBy } from "./acting.mjs";

function claude(model, environment) {
  return saidBy("claude", ["--print", "--model", model, PROMPT], {
    ANTHROPIC_BASE_URL: PROXY_URL,
    ANTHROPIC_AUTH_TOKEN: TEAM_KEY,
    ...environment,
  });
}

// What its picker offers, from the file in which it keeps the proxy's list.
function picker() {
  return JSON.parse(readFileSync(`${process.env.HOME}/.claude/cache/gateway-models.json`, "utf8")).models;
}

await act({
  async stream(model) {
    return claude(model, { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" });
  },
  async list(model) {
    claude(model, { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1" });
    return picker().map((offered) => offered.display_name);
  },
  // Names that don't look like Claude's are offered, and asked for, in a form of its own.
  async picked(model) {
    const { id } = picker().find((offered) => offered.display_name === model);
    return id === model ? "not in the picker's form" : claude(id, {});
  },
});
