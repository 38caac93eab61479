import { expect, test } from "vitest";
import { useEmulator } from "oms-emulator/vitest";
import { pack, waitingPackages } from "../src/shop.js";

const oms = useEmulator({ seed: 3 }); // a world of this file, reset before each test

test("a package is packed once", async () => {
  const backend = { url: oms.url, token: "full-access" };
  const { id } = await oms.makePackage({ state: "Waiting", items: 2 });
  await pack(backend, id);
  expect((await waitingPackages(backend)).map((each) => each.id)).not.toContain(id);
  await expect(pack(backend, id)).rejects.toThrow("returned 400");
});

test("a page sees an error of the OMS", async () => {
  await oms.armFault({ kind: "status", operation: "list_packages", options: { status: 503 } });
  await expect(waitingPackages({ url: oms.url, token: "full-access" })).rejects.toThrow("returned 503");
});
