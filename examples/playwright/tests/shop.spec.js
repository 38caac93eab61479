import { expect, test } from "./world.js";

const count = (page) => page.locator("#count");

test("the waiting packages are counted", async ({ page, shop, world }) => {
  await shop.open();
  await expect(count(page)).toHaveText(/^[1-9]\d*$/);
  const waiting = Number(await count(page).textContent());
  await world.createPackage({ state: "Waiting" });
  await page.reload();
  await expect(count(page)).toHaveText(String(waiting + 1));
});

for (const time of ["first", "second", "third"]) {
  test(`a package is packed (${time} test, any worker)`, async ({ page, shop, world }) => {
    const { number } = await world.createPackage({ state: "Waiting" });
    await shop.open();
    const button = page.getByRole("button", { name: `Pack ${number}` });
    const waiting = Number(await count(page).filter({ hasText: /\d/ }).textContent());
    await button.click();
    await expect(page.getByRole("status")).toHaveText("packed");
    await expect(button).toHaveCount(0);
    await expect(count(page)).toHaveText(String(waiting - 1));
    const calls = await world.calls("command_package");
    expect(calls.map((call) => call.status)).toEqual([204]);
  });
}

test("packing an already packed package shows an error", async ({ page, shop, world }) => {
  const { id, number, commands } = await world.createPackage({ state: "Waiting" });
  await shop.open();
  const button = page.getByRole("button", { name: `Pack ${number}` });
  await expect(button).toBeVisible();
  const { slug } = commands.find((command) => command.slug.includes("__complete_packaging__"));
  const otherClient = await fetch(`${world.url}/api/v1/oms/packages/${id}/command/`, {
    method: "POST",
    headers: { Authorization: "Token full-access", "Content-Type": "application/json" },
    body: JSON.stringify({ slug, input_parameters: {} }),
  });
  expect(otherClient.status).toBe(204);
  await button.click();
  await expect(page.getByRole("status")).toHaveText("refused (400)");
});

test("a read-only user cannot pack", async ({ page, shop, world }) => {
  const { number } = await world.createPackage({ state: "Waiting" });
  await shop.open("read-only");
  await page.getByRole("button", { name: `Pack ${number}` }).click();
  await expect(page.getByRole("status")).toHaveText("refused (403)");
});
