import { expect, test } from "oms-emulator/playwright";

test.use({ omsOptions: { packages: 10 } });

test("a package is packed in the page", async ({ oms, page }) => {
  const { number } = await oms.makePackage({ state: "Waiting" });
  await page.goto(`/?oms=${oms.url}`);
  await page.getByRole("button", { name: number }).click();
  await page.getByRole("button", { name: "Pack", exact: true }).click();
  await expect(page.getByRole("status")).toHaveText("Packed all items");
});
