/** The detail page of one package: its documents, history and commands. */
import { guide } from "../api.js";
import { html, useEffect } from "../lib.js";
import { useLive, useLoad } from "../loading.js";
import { Commands } from "../components/commands.js";
import { Documents, Events, History, Money, RecordActivity, Thumbnail, TranslatedState } from "../components/record_detail.js";
import { Card, PageHeading, Properties, StateBadge, WhenLoaded } from "../components/common.js";
import { Table } from "../components/table.js";
import { backTo, href, setTitle } from "../router.js";
import { orDash, time } from "../format.js";

const KIND = { path: "packages/", graph: "packages", of: "package" };

export function Page({ params: [pk] }) {
  const detail = useLive(async () => (await guide("GET", `packages/${encodeURIComponent(pk)}/`)).body, ["records"], [pk]);
  useEffect(() => { if (detail.data) setTitle([detail.data.number, "Packages"]); }, [detail.data?.number]);
  return html`<div><p><a href=${backTo("packages")}>← Packages</a></p>
    <${PageHeading} title=${detail.data ? `Package ${detail.data.number}` : `Package ${pk}`}>
      ${detail.data && html`<${TranslatedState} state=${detail.data.state} />`}<//>
    <${WhenLoaded} request=${detail}>${(record) => html`<${Detail} record=${record} reload=${detail.reload} />`}<//></div>`;
}

function Detail({ record, reload }) {
  const path = `packages/${record.id}/`;
  const version = record.modified_date;
  return html`<div class="columns wide-left">
    <div>
      <${Commands} record=${record} kind=${KIND} reload=${reload} />
      <${Items} items=${record.packageitem_set} />
      <${Card} title="Package and order"><${Properties} items=${propertiesOf(record)} /><//>
      <${Documents} version=${version} documents=${documentsOf(record)} />
    </div>
    <div>
      <${RecordActivity} query="package=${record.id}" />
      <${Shipment} record=${record} />
      <${Related} record=${record} version=${version} />
      <${History} path=${path} version=${version} created=${record.created_date} />
      <${Events} path=${path} version=${version} />
    </div></div>`;
}

const propertiesOf = (record) => [
  ["ID", record.id],
  ["Order", html`<a href=${href("packages", { order: record.order_id })}>${record.order_number}</a>`],
  ["Placed", time(record.date_placed)],
  ["Channel", record.channel_name],
  ["Payment", orDash(record.payment_type)],
  ["Location", record.stock_location ? `${record.stock_location.name} (${record.stock_location.erp_code})` : "–"],
  ["Packing deadline", time(record.target_packing_date)],
  ["Customer", [record.shipping_address?.first_name, record.shipping_address?.last_name].filter(Boolean).join(" ")],
  ["Address", addressOf(record.shipping_address)],
  ["Invoice number", orDash(record.invoice_number)],
  ["Remote ID", orDash(record.remote_id)],
  ["Click and collect", record.is_click_and_collect ? "yes" : "no"],
  ["Notes", orDash(record.order_notes)],
];

const addressOf = (address) => orDash([address?.line, address?.district?.name, address?.township?.name, address?.city?.name]
  .filter(Boolean).join(", "));

const Items = ({ items }) => html`<${Card} title="Items"><${Table} label="Items" rows=${items} rowKey=${(item) => item.id} columns=${[
  { key: "product", title: "Product", cell: ({ order_item: { product } }) => html`<span class="product"><${Thumbnail} product=${product} />${product.name ?? product.sku}</span>` },
  { key: "sku", whole: true, title: "SKU", cell: ({ order_item: { product } }) => html`<a href=${href("packages", { product_sku: product.sku })}>${product.sku}</a>` },
  { key: "price", title: "Price", number: true, cell: ({ order_item: line }) => html`<${Money} amount=${line.price} currency=${line.price_currency} />` },
  { key: "state", title: "State", cell: (item) => item.state.name },
  { key: "id", title: "ID", number: true, cell: (item) => item.id },
]} /><//>`;

function Shipment({ record: { shipment, shipping_label: label, tracking_number: tracking, shipment_date: shipped } }) {
  if (!shipment && !label) return html`<${Card} title="Shipment"><p class="empty">Not shipped yet.</p><//>`;
  const url = label?.full_path_url;
  return html`<${Card} title="Shipment">
    <${Properties} items=${[
      ["Carrier", orDash(shipment?.cargo_company?.name)], ["Tracking number", orDash(tracking)], ["Shipped", time(shipped)],
    ]} />
    ${url?.startsWith(location.origin) && html`<div><h3>Label</h3>
      <iframe class="label" title="Shipping label" src=${url} sandbox="" loading="lazy"></iframe>
      <p><a href=${url} target="_blank" rel="noopener">Open label in a new tab</a></p></div>`}
  <//>`;
}

function Related({ record, version }) {
  const packages = useLoad(async () => (await guide("GET", `packages/short/?order=${record.order_id}&limit=100`)).body.results, [record.id, version]);
  const transfers = useLoad(async () => (await guide("GET", `transfer_orders/?package=${record.id}&limit=100`)).body.results, [record.id, version]);
  const parent = record.extra_information?.parent_package;
  return html`<${Card} title="Related">
    ${parent && html`<p>Replanned from <a href=${href(`packages/${parent.id}`)}>${parent.number ?? parent.id}</a>.</p>`}
    <h3>Packages of the same order</h3>
    <${WhenLoaded} request=${packages}>${(results) => html`<${RecordLinks} records=${results.filter((each) => each.id !== record.id)} page="packages" />`}<//>
    <h3>Transfer orders</h3>
    <${WhenLoaded} request=${transfers}>${(results) => html`<${RecordLinks} records=${results} page="transfers" />`}<//>
  <//>`;
}

const RecordLinks = ({ records, page }) => (records.length
  ? html`<ul>${records.map((each) => html`<li key=${each.id}><a href=${href(`${page}/${each.id}`)}>${each.number}</a> <${StateBadge} state=${each.state} /></li>`)}</ul>`
  : html`<p class="empty">None.</p>`);

const documentsOf = ({ id, order_number: order }) => {
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
