/** The detail page of one transfer order: its documents, history and commands. */
import { guide } from "../api.js";
import { html, useEffect } from "../lib.js";
import { useLive } from "../loading.js";
import { Commands } from "../components/commands.js";
import { Documents, Events, History, RecordActivity, Thumbnail, TranslatedState } from "../components/record_detail.js";
import { Card, PageHeading, Properties, WhenLoaded } from "../components/common.js";
import { Table } from "../components/table.js";
import { backTo, href, setTitle } from "../router.js";
import { orDash, time } from "../format.js";

const KIND = { path: "transfer_orders/", graph: "transfers", of: "transfer_order" };

export function Page({ params: [pk] }) {
  const detail = useLive(async () => (await guide("GET", `transfer_orders/${encodeURIComponent(pk)}/`)).body, ["records"], [pk]);
  useEffect(() => { if (detail.data) setTitle([detail.data.number, "Transfer orders"]); }, [detail.data?.number]);
  return html`<div><p><a href=${backTo("transfers")}>← Transfer orders</a></p>
    <${PageHeading} title=${detail.data ? `Transfer order ${detail.data.number}` : `Transfer order ${pk}`}>
      ${detail.data && html`<${TranslatedState} state=${detail.data.state} />`}<//>
    <${WhenLoaded} request=${detail}>${(record) => html`<${Detail} record=${record} reload=${detail.reload} />`}<//></div>`;
}

function Detail({ record, reload }) {
  const path = `transfer_orders/${record.id}/`;
  const version = record.modified_date;
  return html`<div class="columns wide-left">
    <div>
      <${Commands} record=${record} kind=${KIND} reload=${reload} />
      <${Items} items=${record.transferitem_set} />
      <${Card} title="Transfer"><${Properties} items=${propertiesOf(record)} /><//>
      <${Documents} version=${version} documents=${documentsOf(record)} />
    </div>
    <div>
      <${RecordActivity} query="transfer=${record.id}" />
      <${History} path=${path} version=${version} created=${record.created_date} />
      <${Events} path=${path} version=${version} />
    </div></div>`;
}

const locationName = (location) => (location ? `${location.name} (${location.erp_code})` : "–");

const propertiesOf = (record) => [
  ["ID", record.id],
  ["From", locationName(record.source)],
  ["To", locationName(record.destination)],
  ["Package", record.package ? html`<a href=${href(`packages/${record.package}`)}>${record.package_number}</a>` : "–"],
  ["Order", html`<a href=${href("transfers", { order: record.order })}>${record.order_number}</a>`],
  ["Transfer deadline", time(record.target_transfer_date)],
  ["Carrier", orDash(record.transfer_shipment?.cargo_company?.name)],
  ["AWB number", orDash(record.transfer_shipment?.awb_number)],
  ["Invoice number", orDash(record.invoice_number)],
  ["Remote ID", orDash(record.remote_id)],
];

const Items = ({ items }) => html`<${Card} title="Items"><${Table} label="Items" rows=${items} rowKey=${(item) => item.id} columns=${[
  { key: "product", title: "Product", cell: ({ product }) => html`<span class="product"><${Thumbnail} product=${product} />${orDash(product?.name ?? product?.sku)}</span>` },
  { key: "sku", title: "SKU", cell: ({ product }) => orDash(product?.sku) },
  { key: "quantity", title: "Quantity", number: true, cell: (item) => item.quantity },
  { key: "state", title: "State", cell: (item) => item.state.name },
  { key: "id", title: "ID", number: true, cell: (item) => item.id },
]} /><//>`;

const documentsOf = ({ id, order_number: order }) => {
  const simple = (body) => body.results.find((each) => each.id === id) ?? body.results;
  return [
    ["detail", "Guide: detail", "guide", `transfer_orders/${id}/`],
    ["simple", "Guide: simple", "guide", `transfer_orders/list-simple/?order__number=${order}&limit=100`, simple],
    ["logs", "Guide: logs", "guide", `transfer_orders/${id}/transition_logs/`],
    ["logs-short", "Guide: short logs", "guide", `transfer_orders/${id}/transition_logs/short/`],
  ];
};
