/** One package: all that the emulated API tells of it, and all that may be done to it. */
import { guide } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../live.js";
import { Commands, Outside } from "../parts/commands.js";
import { Events, History, Money, Shapes, Thumb } from "../parts/detail.js";
import { Card, Facts, Heading, Loaded, StateBadge } from "../parts/pieces.js";
import { Table } from "../parts/table.js";
import { href } from "../route.js";
import { dash, time } from "../text.js";

const KIND = { path: "packages/", graph: "packages", of: "package" };

export function Page({ rest: [pk] }) {
  const found = useLoad(async () => (await guide("GET", `packages/${encodeURIComponent(pk)}/`)).body, [pk]);
  return html`<div><p><a href=${href("packages")}>← Packages</a></p>
    <${Heading} title=${found.data ? `Package ${found.data.number}` : `Package ${pk}`}>
      ${found.data && html`<${StateBadge} state=${found.data.state} />`}<//>
    <${Loaded} from=${found}>${(record) => html`<${Detail} record=${record} reload=${found.reload} />`}<//></div>`;
}

function Detail({ record, reload }) {
  const path = `packages/${record.id}/`;
  const at = record.modified_date;
  return html`<div class="columns wide-left">
    <div>
      <${Commands} record=${record} kind=${KIND} reload=${reload} others=${html`<${Outside} record=${record} reload=${reload} />`} />
      <${Items} items=${record.packageitem_set} />
      <${Card} title="Package and order"><${Facts} of=${facts(record)} /><//>
      <${Shapes} at=${at} shapes=${shapesOf(record)} />
    </div>
    <div>
      <${History} path=${path} at=${at} created=${record.created_date} />
      <${Shipment} record=${record} />
      <${Related} record=${record} at=${at} />
      <${Events} path=${path} at=${at} />
    </div></div>`;
}

const facts = (record) => [
  ["Id", record.id],
  ["Order", html`<a href=${href("packages", { order: record.order_id })}>${record.order_number}</a>`],
  ["Placed", time(record.date_placed)],
  ["Channel", record.channel_name],
  ["Payment", dash(record.payment_type)],
  ["Location", record.stock_location ? `${record.stock_location.name} (${record.stock_location.erp_code})` : "–"],
  ["Pack until", time(record.target_packing_date)],
  ["Customer", [record.shipping_address?.first_name, record.shipping_address?.last_name].filter(Boolean).join(" ")],
  ["Address", addressOf(record.shipping_address)],
  ["Invoice number", dash(record.invoice_number)],
  ["Remote id", dash(record.remote_id)],
  ["Click and collect", record.is_click_and_collect ? "yes" : "no"],
  ["Notes", dash(record.order_notes)],
];

const addressOf = (address) => dash([address?.line, address?.district?.name, address?.township?.name, address?.city?.name]
  .filter(Boolean).join(", "));

const Items = ({ items }) => html`<${Card} title="Items"><${Table} label="Items" rows=${items} rowKey=${(item) => item.id} columns=${[
  { key: "product", title: "Product", cell: ({ order_item: { product } }) => html`<span class="product"><${Thumb} product=${product} />${product.name ?? product.sku}</span>` },
  { key: "sku", whole: true, title: "SKU", cell: ({ order_item: { product } }) => html`<a href=${href("packages", { product_sku: product.sku })}>${product.sku}</a>` },
  { key: "price", title: "Price", number: true, cell: ({ order_item: line }) => html`<${Money} amount=${line.price} currency=${line.price_currency} />` },
  { key: "state", title: "State", cell: (item) => item.state.name },
  { key: "id", title: "Id", number: true, cell: (item) => item.id },
]} /><//>`;

function Shipment({ record: { shipment, shipping_label: label, tracking_number: tracking, shipment_date: shipped } }) {
  if (!shipment && !label) return html`<${Card} title="Shipment"><p class="empty">Nothing is shipped yet.</p><//>`;
  const url = label?.full_path_url;
  return html`<${Card} title="Shipment">
    <${Facts} of=${[
      ["Carrier", dash(shipment?.cargo_company?.name)], ["Tracking number", dash(tracking)], ["Shipped", time(shipped)],
    ]} />
    ${url?.startsWith(location.origin) && html`<div><h3>Label</h3>
      <iframe class="label" title="Shipping label" src=${url} sandbox="" loading="lazy"></iframe>
      <p><a href=${url} target="_blank" rel="noopener">Open the label in a tab of its own</a></p></div>`}
  <//>`;
}

function Related({ record, at }) {
  const packages = useLoad(async () => (await guide("GET", `packages/short/?order=${record.order_id}&limit=100`)).body.results, [record.id, at]);
  const transfers = useLoad(async () => (await guide("GET", `transfer_orders/?package=${record.id}&limit=100`)).body.results, [record.id, at]);
  const parent = record.extra_information?.parent_package;
  return html`<${Card} title="Related">
    ${parent && html`<p>Planned anew from <a href=${href(`packages/${parent.id}`)}>${parent.number ?? parent.id}</a>.</p>`}
    <h3>Packages of the same order</h3>
    <${Loaded} from=${packages}>${(found) => html`<${Lines} of=${found.filter((each) => each.id !== record.id)} page="packages" />`}<//>
    <h3>Transfer orders</h3>
    <${Loaded} from=${transfers}>${(found) => html`<${Lines} of=${found} page="transfers" />`}<//>
  <//>`;
}

const Lines = ({ of, page }) => (of.length
  ? html`<ul>${of.map((each) => html`<li key=${each.id}><a href=${href(`${page}/${each.id}`)}>${each.number}</a> <${StateBadge} state=${each.state} /></li>`)}</ul>`
  : html`<p class="empty">None.</p>`);

const shapesOf = ({ id, order_number: order }) => {
  const simple = (body) => body.results.find((each) => each.id === id) ?? body.results;
  return [
    ["detail", "Guide: detail", "guide", `packages/${id}/`],
    ["short", "Guide: short", "guide", `packages/${id}/short/`],
    ["simple", "Guide: simple", "guide", `packages/list-simple/?order__number=${order}&limit=100`, simple],
    ["logs", "Guide: logs", "guide", `packages/${id}/transition_logs/`],
    ["reference", "Reference: detail", "reference", `${id}/`],
    ["reference-short", "Reference: short", "reference", `${id}/short/`],
    ["reference-logs", "Reference: logs", "reference", `${id}/transition_logs/`],
  ];
};
