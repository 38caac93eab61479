/** One transfer order: all that the emulated API tells of it, and its commands. */
import { guide } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../live.js";
import { Commands } from "../parts/commands.js";
import { Events, History, Shapes, Thumb } from "../parts/detail.js";
import { Card, Facts, Heading, Loaded, StateBadge } from "../parts/pieces.js";
import { Table } from "../parts/table.js";
import { href } from "../route.js";
import { dash, time } from "../text.js";

const KIND = { path: "transfer_orders/", graph: "transfers", of: "transfer_order" };

export function Page({ rest: [pk] }) {
  const found = useLoad(async () => (await guide("GET", `transfer_orders/${encodeURIComponent(pk)}/`)).body, [pk]);
  return html`<div><p><a href=${href("transfers")}>← Transfer orders</a></p>
    <${Heading} title=${found.data ? `Transfer order ${found.data.number}` : `Transfer order ${pk}`}>
      ${found.data && html`<${StateBadge} state=${found.data.state} />`}<//>
    <${Loaded} from=${found}>${(record) => html`<${Detail} record=${record} reload=${found.reload} />`}<//></div>`;
}

function Detail({ record, reload }) {
  const path = `transfer_orders/${record.id}/`;
  const at = record.modified_date;
  return html`<div class="columns wide-left">
    <div>
      <${Commands} record=${record} kind=${KIND} reload=${reload} />
      <${Items} items=${record.transferitem_set} />
      <${Card} title="Transfer"><${Facts} of=${facts(record)} /><//>
      <${Shapes} at=${at} shapes=${shapesOf(record)} />
    </div>
    <div>
      <${History} path=${path} at=${at} created=${record.created_date} />
      <${Events} path=${path} at=${at} />
    </div></div>`;
}

const place = (location) => (location ? `${location.name} (${location.erp_code})` : "–");

const facts = (record) => [
  ["Id", record.id],
  ["From", place(record.source)],
  ["To", place(record.destination)],
  ["Package", record.package ? html`<a href=${href(`packages/${record.package}`)}>${record.package_number}</a>` : "–"],
  ["Order", html`<a href=${href("transfers", { order: record.order })}>${record.order_number}</a>`],
  ["Transfer until", time(record.target_transfer_date)],
  ["Carrier", dash(record.transfer_shipment?.cargo_company?.name)],
  ["AWB number", dash(record.transfer_shipment?.awb_number)],
  ["Invoice number", dash(record.invoice_number)],
  ["Remote id", dash(record.remote_id)],
];

const Items = ({ items }) => html`<${Card} title="Items"><${Table} label="Items" rows=${items} rowKey=${(item) => item.id} columns=${[
  { key: "product", title: "Product", cell: ({ product }) => html`<span class="product"><${Thumb} product=${product} />${dash(product?.name ?? product?.sku)}</span>` },
  { key: "sku", title: "SKU", cell: ({ product }) => dash(product?.sku) },
  { key: "quantity", title: "Quantity", number: true, cell: (item) => item.quantity },
  { key: "state", title: "State", cell: (item) => item.state.name },
  { key: "id", title: "Id", number: true, cell: (item) => item.id },
]} /><//>`;

const shapesOf = ({ id, order_number: order }) => {
  const simple = (body) => body.results.find((each) => each.id === id) ?? body.results;
  return [
    ["detail", "Guide: detail", "guide", `transfer_orders/${id}/`],
    ["simple", "Guide: simple", "guide", `transfer_orders/list-simple/?order__number=${order}&limit=100`, simple],
    ["logs", "Guide: logs", "guide", `transfer_orders/${id}/transition_logs/`],
    ["logs-short", "Guide: short logs", "guide", `transfer_orders/${id}/transition_logs/short/`],
  ];
};
