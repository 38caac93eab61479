/** The list of transfer orders. The simple list of the API is shorter, but has ids in place of states, locations and packages. */
import { html } from "../lib.js";
import { RecordList } from "../components/record_list.js";
import { StateBadge } from "../components/common.js";
import { href } from "../router.js";
import { day, orDash } from "../format.js";

const KIND = {
  name: "transfers",
  title: "Transfer orders",
  path: "transfer_orders/",
  operation: "list_transfers",
  graph: "transfers",
  one: "transfer order",
  many: "transfer orders",
  limit: 25,
  defaultField: "order__number",
  normalize: (field, text) => (field === "order__number" ? text.replace(/P\d+(T\d+)?$/, "") : text),
  columns: [
    { key: "id", title: "ID", minor: true, number: true, sort: "id", cell: (row) => row.id },
    { key: "number", whole: true, title: "Number", cell: (row) => html`<a href=${href(`transfers/${row.id}`)}>${row.number}</a>` },
    { key: "state", title: "State", cell: (row) => html`<${StateBadge} state=${row.state} />` },
    { key: "from", minor: true, title: "From", cell: (row) => orDash(row.source?.name) },
    { key: "to", title: "To", cell: (row) => orDash(row.destination?.name) },
    { key: "package", whole: true, title: "Package", cell: (row) => (row.package
      ? html`<a href=${href(`packages/${row.package}`)}>${row.package_number}</a>` : "–") },
    { key: "target", minor: true, whole: true, title: "Transfer deadline", cell: (row) => day(row.target_transfer_date) },
    { key: "items", minor: true, title: "Items", number: true, cell: (row) => row.transferitem_set.length },
  ],
};

export const Page = ({ query }) => html`<${RecordList} kind=${KIND} query=${query} />`;
