// What the drivers of Node clients share; ../python/acting.py says how a driver is run and what it prints.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const PROXY_URL = process.env.PROXY_URL;
export const TEAM_KEY = process.env.TEAM_KEY;
export const PROMPT = "hi";
export const CITY_SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};

/** For what every answer must be, whatever the action: the model that it names, say. */
export function same(name, found, expected) {
  if (found !== expected) throw new Error(`${name} is '${found}', not '${expected}'`);
}

/** What an installed command prints, when it ends well. It has no terminal and nothing to read. */
export function saidBy(command, args, environment) {
  const program = fileURLToPath(new URL(`node_modules/.bin/${command}`, import.meta.url));
  const env = { ...process.env, ...environment };
  const ended = spawnSync(program, args, { env, input: "", encoding: "utf8" });
  if (ended.error) throw ended.error;
  if (ended.status !== 0) throw new Error(ended.stdout + ended.stderr);
  return ended.stdout;
}

/** Does the actions that the command line names. Each function is given the model's name. */
export async function act(actions) {
  const [model, ...names] = process.argv.slice(2);
  for (const action of names) {
    const said = await actions[action](model).then(
      (answer) => ({ action, answer }),
      (error) => ({ action, error: error.message }),
    );
    console.log(JSON.stringify(said));
  }
}
