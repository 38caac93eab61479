// Serves one object of commercetools-mock. The first argument is the folder of the npm packages, the body comes on stdin.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/package.json`);
const { CommercetoolsMock } = await import(pathToFileURL(require.resolve("@labdigital/commercetools-mock")));

let value = "";
for await (const chunk of process.stdin) value += chunk;
const mock = new CommercetoolsMock({ enableAuthentication: false, silent: true });
await mock.app.listen({ port: 0, host: "127.0.0.1" });
const url = `http://127.0.0.1:${mock.app.server.address().port}`;
const body = JSON.stringify({ container: "c", key: "k", value });
const headers = { "content-type": "application/json" };
const created = await fetch(`${url}/project/custom-objects`, { method: "POST", headers, body });
if (!created.ok) throw new Error(await created.text());
console.log(`ready: ${url}`);
