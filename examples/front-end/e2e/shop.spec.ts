import { expect, test } from "oms-emulator/playwright";

test.use({ omsOptions: { packages: 10 } });

test("the API shows what the test has prepared", async ({ oms, request }) => {
  const { id } = await oms.makePackage({ state: "Waiting" });
  const headers = { Authorization: "Token full-access" };
  const response = await request.get(`${oms.url}/api/v1/oms/packages/${id}/`, { headers });
  expect((await response.json()).state.name).toBe("Waiting");
});
