import { expect, test } from "vitest";
import { useEmulator } from "oms-emulator/vitest";
import { getPackage, listPackages, runCommand } from "../src/client.js";

const oms = useEmulator({ seed: 3 }); // a world of this file, reset before each test

test("a package is packed once", async () => {
  const backend = { url: oms.url, token: "full-access" };
  const { id, commands } = await oms.makePackage({ state: "Waiting", items: 2 });
  const pack = commands.find((command) => command.label === "Pack")!;
  await runCommand(backend, id, pack.id);
  expect((await getPackage(backend, id)).state.name).toBe("Packed all items");
  await expect(runCommand(backend, id, pack.id)).rejects.toMatchObject({ status: 400 });
});

test("an error of the OMS is thrown", async () => {
  await oms.armFault({ kind: "status", operation: "list_packages", options: { status: 503 } });
  await expect(listPackages({ url: oms.url, token: "full-access" })).rejects.toMatchObject({ status: 503 });
});
