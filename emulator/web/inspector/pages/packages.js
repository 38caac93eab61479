/** Packages: the list. */
import { html } from "../lib.js";
import { List } from "../parts/list.js";
import { StateBadge } from "../parts/pieces.js";
import { href } from "../route.js";
import { dash, day, time } from "../text.js";

const KIND = {
  name: "packages",
  title: "Packages",
  path: "packages/short/",
  operation: "list_packages_short",
  graph: "packages",
  one: "package",
  many: "packages",
  limit: 50,
  first: "order__number",
  reads: (field, text) => (field === "order__number" ? text.replace(/P\d+(T\d+)?$/, "") : text),
  columns: [
    { key: "id", title: "Id", number: true, sort: "id", cell: (row) => row.id },
    { key: "number", whole: true, title: "Number", cell: (row) => html`<a href=${href(`packages/${row.id}`)}>${row.number}</a>` },
    { key: "state", title: "State", cell: (row) => html`<${StateBadge} state=${row.state} />` },
    { key: "placed", whole: true, title: "Placed", sort: "order__date_placed", cell: (row) => time(row.date_placed) },
    { key: "target", whole: true, title: "Pack until", cell: (row) => day(row.target_packing_date) },
    { key: "location", title: "Location", cell: (row) => dash(row.stock_location?.name) },
    { key: "channel", title: "Channel", cell: (row) => dash(row.channel_name) },
    { key: "items", title: "Items", number: true, cell: (row) => row.packageitem_count },
  ],
};

export const Page = ({ asked }) => html`<${List} kind=${KIND} asked=${asked} />`;
