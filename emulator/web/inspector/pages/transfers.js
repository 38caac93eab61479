/** Transfer orders: the list. The API's simple one would be shorter, but has numbers in place of states, locations and packages. */
import { html } from "../lib.js";
import { List } from "../parts/list.js";
import { StateBadge } from "../parts/pieces.js";
import { href } from "../route.js";
import { dash, day } from "../text.js";

const KIND = {
  name: "transfers",
  title: "Transfer orders",
  path: "transfer_orders/",
  operation: "list_transfers",
  graph: "transfers",
  one: "transfer order",
  many: "transfer orders",
  limit: 25,
  first: "order__number",
  reads: (field, text) => (field === "order__number" ? text.replace(/P\d+(T\d+)?$/, "") : text),
  columns: [
    { key: "id", title: "Id", number: true, sort: "id", cell: (row) => row.id },
    { key: "number", whole: true, title: "Number", cell: (row) => html`<a href=${href(`transfers/${row.id}`)}>${row.number}</a>` },
    { key: "state", title: "State", cell: (row) => html`<${StateBadge} state=${row.state} />` },
    { key: "from", title: "From", cell: (row) => dash(row.source?.name) },
    { key: "to", title: "To", cell: (row) => dash(row.destination?.name) },
    { key: "package", whole: true, title: "Package", cell: (row) => (row.package
      ? html`<a href=${href(`packages/${row.package}`)}>${row.package_number}</a>` : "–") },
    { key: "target", whole: true, title: "Transfer until", cell: (row) => day(row.target_transfer_date) },
    { key: "items", title: "Items", number: true, cell: (row) => row.transferitem_set.length },
  ],
};

export const Page = ({ asked }) => html`<${List} kind=${KIND} asked=${asked} />`;
