// @vitest-environment jsdom
import { cleanup, configure, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, expect, test } from "vitest";
import { useEmulator } from "oms-emulator/vitest";
import { App } from "../src/App.js";
import { runCommand } from "../src/client.js";

const oms = useEmulator({ seed: 3 });
const user = userEvent.setup();

configure({ asyncUtilTimeout: 20_000 }); // the machine of the CI may be busy
afterEach(cleanup);

/** Open a package in the application, and return the button of a command. */
async function openPackage(number: string, token = "full-access"): Promise<HTMLElement> {
  render(<App backend={{ url: oms.url, token }} />);
  await user.click(await screen.findByRole("button", { name: new RegExp(number) }));
  return screen.findByRole("button", { name: "Pack" });
}

test("a command changes the state and the commands of a package", async () => {
  const { number } = await oms.makePackage({ state: "Waiting" });
  await user.click(await openPackage(number));
  await screen.findByRole("button", { name: "Ship" });
  expect(screen.getByRole("status").textContent).toBe("Packed all items");
  await screen.findByRole("button", { name: `${number} Packed all items` }); // in the list
});

test("the page shows why the OMS refuses a command, and the new state", async () => {
  const { id, number, commands } = await oms.makePackage({ state: "Waiting" });
  const button = await openPackage(number);
  const pack = commands.find((command) => command.label === "Pack")!;
  await runCommand({ url: oms.url, token: "full-access" }, id, pack.id); // by another user
  await user.click(button);
  expect((await screen.findByRole("alert")).textContent).toContain(`"Pack" starts from state "Waiting"`);
  await screen.findByRole("button", { name: "Ship" });
});

test("a user without the permission cannot pack", async () => {
  const { number } = await oms.makePackage({ state: "Waiting" });
  await user.click(await openPackage(number, "read-only"));
  expect((await screen.findByRole("alert")).textContent).toContain("403");
  expect(screen.getByRole("status").textContent).toBe("Waiting");
});

test("the page shows an outage", async () => {
  await oms.armFault({ kind: "status", operation: "list_packages", options: { status: 503 } });
  render(<App backend={{ url: oms.url, token: "full-access" }} />);
  expect((await screen.findByRole("alert")).textContent).toContain("503");
});
