/** The list of packages. */
import { html } from "../lib.js";
import { RecordList } from "../components/record_list.js";
import { StateBadge } from "../components/common.js";
import { href } from "../router.js";
import { day, orDash, time } from "../format.js";

const KIND = {
  name: "packages",
  title: "Packages",
  path: "packages/short/",
  operation: "list_packages_short",
  graph: "packages",
  one: "package",
  many: "packages",
  limit: 50,
  defaultField: "order__number",
  normalize: (field, text) => (field === "order__number" ? text.replace(/P\d+(T\d+)?$/, "") : text),
  columns: [
    { key: "id", title: "ID", minor: true, number: true, sort: "id", cell: (row) => row.id },
    { key: "number", whole: true, title: "Number", cell: (row) => html`<a href=${href(`packages/${row.id}`)}>${row.number}</a>` },
    { key: "state", title: "State", cell: (row) => html`<${StateBadge} state=${row.state} />` },
    { key: "placed", whole: true, title: "Placed", sort: "order__date_placed", cell: (row) => time(row.date_placed) },
    { key: "target", minor: true, whole: true, title: "Packing deadline", cell: (row) => day(row.target_packing_date) },
    { key: "location", title: "Location", cell: (row) => orDash(row.stock_location?.name) },
    { key: "channel", minor: true, title: "Channel", cell: (row) => orDash(row.channel_name) },
    { key: "items", minor: true, title: "Items", number: true, cell: (row) => row.packageitem_count },
  ],
};

export const Page = ({ query }) => html`<${RecordList} kind=${KIND} query=${query} />`;
