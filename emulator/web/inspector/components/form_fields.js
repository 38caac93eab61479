/** Builds form fields from the parameters of a command, and reads `input_parameters` from the form. */
import { control, guide } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../loading.js";
import { humanize } from "../format.js";
import { LoadError } from "./common.js";
import { Thumbnail } from "./record_detail.js";

const itemsOf = (record) => record.packageitem_set ?? record.transferitem_set?.map((each) => each.package_item) ?? [];
const productOf = (item) => item.order_item?.product ?? {};
const nameOf = (item) => productOf(item).name ?? productOf(item).sku ?? `item ${item.id}`;

export function Field({ parameter, record }) {
  const { name, required } = parameter;
  const title = html`${TITLES[name] ?? humanize(name)}${required ? " *" : ""}`;
  const CustomField = CUSTOM_FIELDS[name];
  if (CustomField) return html`<${CustomField} ...${{ parameter, record, title }} />`;
  const type = parameter.type === "IntegerField" ? "number" : name.endsWith("_date") ? "date" : "text";
  return html`<label class="field"><span>${title}</span><input name=${name} type=${type} required=${required} defaultValue=${DEFAULTS[name]?.(record) ?? ""} />
    <${ProvenanceNote} parameter=${parameter} /></label>`;
}

const TITLES = { cargo_company: "Carrier", package_items: "Items", assignment_groups: "Location of each item" };

/** Suggested values, so that a form can be sent as it is. */
const DEFAULTS = {
  tracking_number: (record) => record.tracking_number ?? String(1_000_000_000 + (record.id * 7_919) % 9_000_000_000),
  invoice_number: (record) => record.invoice_number ?? `INV-${record.id}`,
  invoice_document_type: () => "html",
  document_content: (record) => `<h1>Invoice of ${record.number}</h1>`,
  invoice_date: (record) => String(record.modified_date ?? "").slice(0, 10),
};

const ProvenanceNote = ({ parameter }) => (parameter.reason
  ? html`<small>${parameter.name} is ${parameter.provenance}: ${parameter.reason}</small>` : null);

const CUSTOM_FIELDS = {
  package_items: ({ parameter, record, title }) => html`<fieldset><legend>${title}</legend>
    ${itemsOf(record).map((item) => html`<label class="check item" key=${item.id}>
      <input type="checkbox" name=${parameter.name} value=${item.id} /> <${Thumbnail} product=${productOf(item)} />
      <span>${nameOf(item)} <small>${productOf(item).sku ?? ""} · ${item.id}</small></span></label>`)}</fieldset>`,
  denial_reason: DenialReasonField,
  cargo_company: CarrierField,
  assignment_groups: AssignmentField,
};

function DenialReasonField({ parameter, title }) {
  const reasons = useLoad(async () => (await guide("GET", "packages/package_denial_reason/?is_active=true&limit=100")).body.results, []);
  return html`<${LoadError} request=${reasons} /><label class="field"><span>${title}</span><select name=${parameter.name} required=${parameter.required}>
    ${!parameter.required && html`<option value="">none</option>`}
    ${(reasons.data ?? []).map((reason) => html`<option key=${reason.id} value=${reason.id}>${reason.title}</option>`)}</select></label>`;
}

function CarrierField({ parameter, record, title }) {
  const carriers = useLoad(async () => (await control("GET", "catalog")).carriers, []);
  const current = record.shipment?.cargo_company?.id;
  return html`<${LoadError} request=${carriers} /><label class="field"><span>${title}</span><select name=${parameter.name} required=${parameter.required}>
    ${!parameter.required && html`<option value="">default</option>`}
    ${(carriers.data ?? []).map((each) => html`<option key=${each.id} value=${each.id} selected=${each.id === current}>${each.name}</option>`)}</select></label>`;
}

/** A location for each item. The items of one location are a group, and become one package. */
function AssignmentField({ parameter, record, title }) {
  const locations = useLoad(async () => (await control("GET", "catalog")).locations, []);
  const current = record.stock_location?.erp_code;
  return html`<fieldset><legend>${title}</legend><${LoadError} request=${locations} />
    ${itemsOf(record).map((item) => html`<label class="check item assigned" key=${item.id}><${Thumbnail} product=${productOf(item)} />
      <span>${nameOf(item)} <small>${productOf(item).sku ?? ""} · ${item.id}</small></span>
      <select name=${parameter.name}><option value="">none</option>
        ${(locations.data ?? []).map((each) => html`<option key=${each.id} value=${`${item.id} ${each.erp_code}`}
          selected=${each.erp_code === current}>${each.name} (${each.erp_code})</option>`)}</select></label>`)}
    <${ProvenanceNote} parameter=${parameter} /></fieldset>`;
}

/** Return a group for each location, from values of "item erp_code". */
function assignmentGroups(values) {
  const assigned = values.map((value) => ({ item: Number.parseInt(value, 10), erpCode: value.slice(value.indexOf(" ") + 1) }));
  return [...Map.groupBy(assigned, ({ erpCode }) => erpCode)]
    .map(([erp_code, members]) => ({ package_items: members.map(({ item }) => item), erp_code }));
}

/** Return `input_parameters` from the form; empty fields are left out. */
export function readForm(form, parameters) {
  const data = new FormData(form);
  const values = {};
  for (const { name, type } of parameters) {
    const entered = data.getAll(name).filter((value) => value !== "");
    if (name === "package_items") values[name] = entered.map(Number);
    else if (name === "assignment_groups") values[name] = assignmentGroups(entered);
    else if (entered.length) values[name] = type === "IntegerField" ? Number(entered[0]) : entered[0];
  }
  return values;
}
