/** Webhooks: who is told, what was told, and what came of it. */
import { control } from "../api.js";
import { html } from "../lib.js";
import { useLive } from "../live.js";
import { Card, Heading, Json, Loaded } from "../parts/pieces.js";

export function Page() {
  const deliveries = useLive(() => control("GET", "hooks/deliveries"), 3_000, []);
  return html`<div><${Heading} title="Webhooks" /><${Card} title="Deliveries">
    <${Loaded} from=${deliveries} what="webhook deliveries">${(found) => html`<${Json} value=${found} />`}<//><//></div>`;
}
