/** Fixtures: a world of the emulator for each worker, and the page that speaks to it. */

import { test as base } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const { OMS_URL, OMS_TOKEN } = process.env;
const FOLDER = new URL("../shop/", import.meta.url);
const KINDS = { html: "text/html", js: "text/javascript" };

export { expect } from "@playwright/test";

export const test = base.extend({
  /** Where this worker's world answers. */
  home: [
    async ({}, use, { parallelIndex }) => {
      if (!OMS_URL) throw new Error("no OMS_URL: run this with `oms-emulator exec -- npm test`");
      const name = `worker-${parallelIndex}`;
      await send("PUT", `${OMS_URL}/__admin/worlds/${name}`, { scenario: "demo", packages: 40 });
      await use(`${OMS_URL}/w/${name}`);
      await send("DELETE", `${OMS_URL}/__admin/worlds/${name}`);
    },
    { scope: "worker" },
  ],

  /** The files of the front end, on a free port. */
  site: [
    async ({}, use) => {
      const server = createServer(async ({ url }, answer) => {
        const name = url === "/" ? "index.html" : url.slice(1);
        const text = await readFile(new URL(name, FOLDER)).catch(() => null);
        answer.writeHead(text ? 200 : 404, { "Content-Type": KINDS[name.split(".").pop()] ?? "text/plain" });
        answer.end(text);
      });
      await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
      await use(`http://127.0.0.1:${server.address().port}/`);
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
    { scope: "worker" },
  ],

  /** The control API of the world, as it was at the start. */
  world: async ({ home }, use) => {
    await send("POST", `${home}/__admin/reset`);
    await use({
      url: home,
      arrange: (document) => send("POST", `${home}/__admin/packages`, document),
      called: async (operation) => (await send("GET", `${home}/__admin/requests?operation=${operation}`)).results,
    });
  },

  /** The front end, open on this world. */
  shop: async ({ page, site, world }, use) => {
    const open = (token = OMS_TOKEN) => page.goto(`${site}#${new URLSearchParams({ oms: world.url, token })}`);
    await use({ open });
  },
});

async function send(method, url, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}
