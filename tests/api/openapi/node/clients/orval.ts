// Pack a waiting package with the functions of orval, and print the state.
import { commandPackage, getPackage, listPackages } from "./generated/api";

declare const process: { argv: string[] };

const send = globalThis.fetch;
globalThis.fetch = (input, init) => send(new URL(String(input), process.argv[2]), init);

async function main(): Promise<void> {
  const options = { headers: { Authorization: "Token full-access" } };
  const waiting = await listPackages({ state__enum_value: "100" }, options);
  if (waiting.status !== 200) throw new Error(`status ${waiting.status}`);
  const { id: pk, created_date: created } = waiting.data.results[0];
  const body = { slug: "package__complete_packaging__waiting__packed-all-items", input_parameters: {} };
  await commandPackage(pk, body, options);
  const packed = await getPackage(pk, undefined, options);
  if (packed.status !== 200) throw new Error(`status ${packed.status}`);
  console.log(packed.data.state.enum_value, Number.isNaN(Date.parse(created)) ? "invalid date" : "valid date");
}

void main();
