import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";

import { Refused, Shop } from "./shop.js";

const { OMS_URL, OMS_TOKEN, OMS_JWT } = process.env;

let world, shop;

beforeEach(async () => {
  const name = randomUUID();
  const made = await control("PUT", `${OMS_URL}/__admin/worlds/${name}`, { scenario: "demo", packages: 40 });
  assert.equal(made.status, 201);
  world = `${OMS_URL}/w/${name}`;
  shop = new Shop(world, OMS_TOKEN);
});

afterEach(() => control("DELETE", world.replace("/w/", "/__admin/worlds/")));

function control(method, url, body) {
  return fetch(url, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
}

async function arrange(document) {
  return (await control("POST", `${world}/__admin/packages`, document)).json();
}

test("all that waits is found and packed", async () => {
  const ids = [];
  for await (const each of shop.waiting()) ids.push(each.id);
  assert.ok(ids.length > 0);
  for (const id of ids) assert.ok(await shop.pack(id));
  for await (const each of shop.waiting()) assert.fail(`${each.number} still waits`);
});

test("a shipped package cannot be packed", async () => {
  const { id } = await arrange({ state: "Shipped" });
  await assert.rejects(shop.pack(id), Refused);
});

test("what was called is in the world's journal", async () => {
  const { id } = await arrange({ state: "Waiting" });
  await shop.pack(id);
  const called = await (await fetch(`${world}/__admin/requests?operation=command_package`)).json();
  assert.deepEqual(called.results.map((each) => each.status), [204]);
});

test("the reference surface takes the JWT", async () => {
  const answer = await fetch(`${world}/packages/`, { headers: { Authorization: `Bearer ${OMS_JWT}` } });
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).results.length, 20);
});
