/** Fixtures: one world of the emulator for each worker, and the page that uses it. */

import { test as base } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const { OMS_URL, OMS_TOKEN } = process.env;
const FOLDER = new URL("../shop/", import.meta.url);
const CONTENT_TYPES = { html: "text/html", js: "text/javascript" };

export { expect } from "@playwright/test";

export const test = base.extend({
  /** The URL of this worker's world. */
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

  /** The URL of a server for the files of the front end, on a free port. */
  site: [
    async ({}, use) => {
      const server = createServer(async ({ url }, response) => {
        const name = url === "/" ? "index.html" : url.slice(1);
        const text = await readFile(new URL(name, FOLDER)).catch(() => null);
        response.writeHead(text ? 200 : 404, { "Content-Type": CONTENT_TYPES[name.split(".").pop()] ?? "text/plain" });
        response.end(text);
      });
      await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
      await use(`http://127.0.0.1:${server.address().port}/`);
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
    { scope: "worker" },
  ],

  /** The control API of the world. The world is reset before each test. */
  world: async ({ home }, use) => {
    await send("POST", `${home}/__admin/reset`);
    await use({
      url: home,
      createPackage: (document) => send("POST", `${home}/__admin/packages`, document),
      calls: async (operation) => (await send("GET", `${home}/__admin/requests?operation=${operation}`)).results,
    });
  },

  /** Opens the front end on this world. */
  shop: async ({ page, site, world }, use) => {
    const open = (token = OMS_TOKEN) => page.goto(`${site}#${new URLSearchParams({ oms: world.url, token })}`);
    await use({ open });
  },
});

/** Send a JSON request and return the JSON response. Throw an error for an error status. */
async function send(method, url, body) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}
