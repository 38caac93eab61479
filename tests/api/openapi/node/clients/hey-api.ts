// Pack a waiting package with the client of @hey-api/openapi-ts, and print the state.
import { client } from "./generated/client.gen";
import { commandPackage, getPackage, listPackages } from "./generated/sdk.gen";

declare const process: { argv: string[] };

async function main(): Promise<void> {
  client.setConfig({ baseUrl: process.argv[2], auth: "Token full-access", throwOnError: true });
  const waiting = await listPackages({ query: { state__enum_value: "100" }, throwOnError: true });
  const { id: pk, created_date: created } = waiting.data.results[0];
  const body = { slug: "package__complete_packaging__waiting__packed-all-items", input_parameters: {} };
  await commandPackage({ path: { pk }, body, throwOnError: true });
  const { data } = await getPackage({ path: { pk }, throwOnError: true });
  console.log(data.state.enum_value, Number.isNaN(Date.parse(created)) ? "invalid date" : "valid date");
}

void main();
