import { setupServer } from "msw/node";
import { beforeAll, expect, test } from "vitest";
import { handlers } from "oms-emulator/msw";
import { useEmulator } from "oms-emulator/vitest";
import { listPackages } from "../src/client.js";

const REAL = "https://oms.example.com"; // the address in the configuration of the application
const oms = useEmulator();
const server = setupServer();

beforeAll(() => {
  server.listen({ onUnhandledRequest: "error" });
  server.use(...handlers(oms, REAL));
  return () => server.close(); // after the tests of this file
});

test("requests to the real address reach the emulator", async () => {
  const { number } = await oms.makePackage({ state: "Waiting" });
  const packages = await listPackages({ url: REAL, token: "full-access" });
  expect(packages.map((each) => each.number)).toContain(number);
});
