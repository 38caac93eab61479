/** Shown for an address without a page, and for a world that does not exist. */
import { BASE, control, WORLD } from "../api.js";
import { html } from "../lib.js";
import { ActionButton, Card, PageHeading } from "../components/common.js";
import { runAction } from "../components/toasts.js";
import { PAGES } from "../pages.js";
import { href } from "../router.js";

export const Page = ({ name, missing }) => (missing ? html`<${MissingWorld} reason=${missing} />` : html`<div>
  <${PageHeading} title="Page not found" />
  <${Card}><p>The inspector has no page <code>#/${name}</code>. It has these:</p>
    <ul class="links">${PAGES.map(([each, title]) => html`<li key=${each}><a href=${href(each)}>${title}</a></li>`)}</ul><//></div>`);

function MissingWorld({ reason }) {
  const create = () => runAction(() => control("PUT", `worlds/${encodeURIComponent(WORLD)}`, { body: {} }), `Created world ${WORLD}`)
    .then((done) => done && location.reload());
  return html`<div><${PageHeading} title="World ${WORLD} does not exist" />
    <${Card}><p>It was deleted or never created: ${reason}.</p>
      <div class="commands"><a class="button main" href="${BASE}/__admin/ui/">Open the default world</a>
        <${ActionButton} onAction=${create}>Create world ${WORLD}<//></div><//></div>`;
}
