/** Coverage: which of the documented behaviours were exercised. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../live.js";
import { Card, Heading, Json, Loaded } from "../parts/pieces.js";

export function Page() {
  const coverage = useLoad(() => control("GET", "coverage"), []);
  return html`<div><${Heading} title="Coverage" /><${Card} title="What was exercised">
    <${Loaded} from=${coverage} what="coverage">${(found) => html`<${Json} value=${found} />`}<//><//></div>`;
}
