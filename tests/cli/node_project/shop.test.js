import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { headers, setNumber, shipped } from "./shop.js";

beforeEach((t) => {
  headers["X-Emulator-Test"] = encodeURIComponent(t.name);
});

test("shipped packages have numbers", async () => {
  const rows = await shipped();
  assert.ok(rows.length > 5); // more than one page, but in any state
  for (const row of rows) assert.ok(row.number);
});

test("a number is set", async () => {
  const response = await setNumber(6501, "A-1");
  assert.equal(response.status, 204);
});
