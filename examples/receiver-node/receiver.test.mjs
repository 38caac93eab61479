import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { createReceiver } from "./receiver.mjs";

const SECRET = "a secret";
const BODY = JSON.stringify({ event: { type: "package.created", uuid: "1" }, payload: { id: 1 } });
const sign = (body) => "sha256=" + createHmac("sha256", SECRET).update(body).digest("hex");

async function posting(requests) {
  const taken = [];
  const server = createReceiver(SECRET, (event) => taken.push(event.uuid)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const statuses = [];
  for (const [body, signature] of requests) {
    const headers = signature ? { "X-Whisperer-Signature": signature, Connection: "close" } : { Connection: "close" };
    const url = `http://127.0.0.1:${server.address().port}/hook`;
    statuses.push((await fetch(url, { method: "POST", body, headers })).status);
  }
  server.close();
  return { statuses, taken };
}

test("what is signed with the secret is taken, once", async () => {
  const { statuses, taken } = await posting([[BODY, sign(BODY)], [BODY, sign(BODY)]]);
  assert.deepEqual(statuses, [200, 200]);
  assert.deepEqual(taken, ["1"]);
});

test("anything else is refused", async () => {
  const { statuses, taken } = await posting([[BODY, "sha256=0"], [BODY, null], [BODY + " ", sign(BODY)]]);
  assert.deepEqual(statuses, [401, 401, 401]);
  assert.deepEqual(taken, []);
});
