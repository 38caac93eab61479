import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";

import { Refused, Shop } from "./shop.js";

const { OMS_URL, OMS_TOKEN, OMS_JWT } = process.env;

let world, shop;

beforeEach(async () => {
  const name = randomUUID();
  const created = await control("PUT", `${OMS_URL}/__admin/worlds/${name}`, { scenario: "demo", packages: 40 });
  assert.equal(created.status, 201);
  world = `${OMS_URL}/w/${name}`;
  shop = new Shop(world, OMS_TOKEN);
});

afterEach(() => control("DELETE", world.replace("/w/", "/__admin/worlds/")));

/** Call the control API. */
function control(method, url, body) {
  return fetch(url, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
}

/** Create a package in the world. */
async function createPackage(document) {
  return (await control("POST", `${world}/__admin/packages`, document)).json();
}

test("all waiting packages are listed and packed", async () => {
  const ids = [];
  for await (const each of shop.waiting()) ids.push(each.id);
  assert.ok(ids.length > 0);
  for (const id of ids) assert.ok(await shop.pack(id));
  for await (const each of shop.waiting()) assert.fail(`${each.number} is still waiting`);
});

test("a shipped package cannot be packed", async () => {
  const { id } = await createPackage({ state: "Shipped" });
  await assert.rejects(shop.pack(id), Refused);
});

test("the journal of the world has the command", async () => {
  const { id } = await createPackage({ state: "Waiting" });
  await shop.pack(id);
  const calls = await (await fetch(`${world}/__admin/requests?operation=command_package`)).json();
  assert.deepEqual(calls.results.map((each) => each.status), [204]);
});

test("the reference surface accepts the JWT", async () => {
  const response = await fetch(`${world}/packages/`, { headers: { Authorization: `Bearer ${OMS_JWT}` } });
  assert.equal(response.status, 200);
  assert.equal((await response.json()).results.length, 20);
});
