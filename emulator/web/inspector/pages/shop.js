/** A small storefront: a visitor buys a product and watches the parcel move. */
import { control, guide } from "../api.js";
import { html, useState } from "../lib.js";
import { useLive, useLoad } from "../loading.js";
import { Activity } from "../components/activity.js";
import { ActionButton, Card, PageHeading, WhenLoaded } from "../components/common.js";
import { href, navigate } from "../router.js";
import { Picture, placeOrder } from "./create.js";

const SHOWN = 12;
const COUNTRIES = [["TRY", "Türkiye"], ["EUR", "Italy"]];
const CITIES = { TRY: "İstanbul", EUR: "Milano" };
/** The stations that a customer sees: title, and the state values that have reached it. */
const STATIONS = [
  ["Ordered", ["100", "300", "200", "350", "400", "450", "500", "600", "650", "700", "800"]],
  ["In preparation", ["200", "350", "400", "450", "500", "600", "650", "700", "800"]],
  ["Packed", ["500", "600", "650", "700", "800"]],
  ["On its way", ["600", "650", "700", "800"]],
  ["Delivered", ["800"]],
];

export const Page = ({ params: [id] }) => (id ? html`<${Tracking} id=${id} />` : html`<${Shelf} />`);

function Shelf() {
  const catalog = useLoad(() => control("GET", "catalog"), []);
  const [currency, setCurrency] = useState("TRY");
  return html`<div><${PageHeading} title="Shop"><label class="field"><span class="sr">Country</span><select value=${currency} onChange=${(event) => setCurrency(event.target.value)}>
      ${COUNTRIES.map(([key, title]) => html`<option key=${key} value=${key} selected=${key === currency}>${title}</option>`)}</select></label><//>
    <${WhenLoaded} request=${catalog} feature="the catalogue">${({ products }) => html`<${Products} products=${bestOf(products, currency)} />`}<//></div>`;
}

/** Return one product of each kind, in different colours. */
function bestOf(products, currency) {
  const kinds = Map.groupBy(products.filter((product) => product.currency === currency), (product) => product.sku.split("-").slice(0, 2).join("-"));
  return [...kinds.values()].map((group, index) => group[(index * 5) % group.length]).slice(0, SHOWN);
}

const Products = ({ products }) => (products.length ? html`<ul class="shop">${products.map((product) => html`<${Product} key=${product.id} product=${product} />`)}</ul>`
  : html`<p class="empty">This world has no products for this country.</p>`);

function Product({ product }) {
  const buy = async () => {
    const made = await placeOrder({ lines: [{ sku: product.sku }], shipping_address: { city: CITIES[product.currency] } });
    if (made?.packages?.length) navigate(`shop/${made.packages[0]}`);
  };
  return html`<li class="card"><${Picture} product=${product} /><h2>${product.name}</h2><p class="price">${product.price} ${product.currency}</p>
    <${ActionButton} class="main" aria-label="Buy ${product.name}" onAction=${buy}>Buy now<//></li>`;
}

function Tracking({ id }) {
  const parcel = useLive(async () => (await guide("GET", `packages/${encodeURIComponent(id)}/`)).body, ["records"], [id]);
  const activity = useLive(() => control("GET", `activity?package=${encodeURIComponent(id)}`), ["records"], [id]);
  return html`<div><p><a href=${href("shop")}>← Shop</a></p><${PageHeading} title="Your parcel" /><${WhenLoaded} request=${parcel}>${(record) => html`<div>
    <${Card}><p>Order <strong>${record.order_number}</strong> for ${record.shipping_address?.first_name} ${record.shipping_address?.last_name}, ${record.shipping_address?.city?.name}</p>
      <ol class="stations" aria-label="Progress">${STATIONS.map(([title, values]) => html`<li key=${title} class=${values.includes(record.state.enum_value) ? "reached" : ""}
        aria-current=${title === current(record.state) ? "step" : undefined}>${title}</li>`)}</ol>
      <p class="big-time" role="status">${message(record)}</p>
      <p>${record.packageitem_set.map((item) => item.order_item.product.name).join(", ")}</p>
      <p><a href=${href(`packages/${record.id}`)}>Open package ${record.number}</a></p><//>
    <${Card} title="Activity"><${WhenLoaded} request=${activity} feature="the activity">${({ results }) => html`<${Activity} entries=${results.filter((entry) => entry.kind !== "refused")} isOneRecord />`}<//><//></div>`}<//></div>`;
}

const current = (state) => STATIONS.findLast(([, values]) => values.includes(state.enum_value))?.[0];

const MESSAGES = { 650: "The carrier could not deliver it, and tries again.", 700: "The delivery failed.", 900: "The order was cancelled.", 910: "Another location will send it.", 920: "An item is out of stock." };

const message = (record) => MESSAGES[record.state.enum_value] ?? (record.state.enum_value === "600" && record.tracking_number
  ? `It is on its way with ${record.shipment?.cargo_company?.name ?? "the carrier"}, number ${record.tracking_number}.` : `${current(record.state) ?? record.state.name}.`);
