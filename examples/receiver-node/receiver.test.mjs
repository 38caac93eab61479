import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { createReceiver } from "./receiver.mjs";

const SECRET = "a secret";
const BODY = JSON.stringify({ event: { type: "package.created", uuid: "1" }, payload: { id: 1 } });
const sign = (body) => "sha256=" + createHmac("sha256", SECRET).update(body).digest("hex");

/** Send requests to a new receiver. Return the statuses and the accepted events. */
async function post(requests) {
  const accepted = [];
  const server = createReceiver(SECRET, (event) => accepted.push(event.uuid)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const statuses = [];
  for (const [body, signature] of requests) {
    const headers = signature ? { "X-Whisperer-Signature": signature, Connection: "close" } : { Connection: "close" };
    const url = `http://127.0.0.1:${server.address().port}/hook`;
    statuses.push((await fetch(url, { method: "POST", body, headers })).status);
  }
  server.close();
  return { statuses, accepted };
}

test("a signed event is accepted once", async () => {
  const { statuses, accepted } = await post([[BODY, sign(BODY)], [BODY, sign(BODY)]]);
  assert.deepEqual(statuses, [200, 200]);
  assert.deepEqual(accepted, ["1"]);
});

test("an event without a valid signature is rejected", async () => {
  const { statuses, accepted } = await post([[BODY, "sha256=0"], [BODY, null], [BODY + " ", sign(BODY)]]);
  assert.deepEqual(statuses, [401, 401, 401]);
  assert.deepEqual(accepted, []);
});
