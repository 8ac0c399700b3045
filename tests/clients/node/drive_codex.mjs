// Codex, the command; it streams.
import { writeFileSync } from "node:fs";
import { CITY_SCHEMA, PROMPT, PROXY_URL, act, saidBy } from "./acting.mjs";

const SETTINGS = `
model_provider = "saas"
[model_providers.saas]
name = "saas"
base_url = "${PROXY_URL}/v1"
env_key = "TEAM_KEY"
`;

function codex(model, ...options) {
  writeFileSync("config.toml", SETTINGS);
  return saidBy("codex", ["exec", "--skip-git-repo-check", "--model", model, ...options, PROMPT], { CODEX_HOME: "." });
}

await act({
  async stream(model) {
    return codex(model);
  },
  async structured(model) {
    writeFileSync("schema.json", JSON.stringify(CITY_SCHEMA));
    return JSON.parse(codex(model, "--output-schema", "schema.json"));
  },
});
