/** Builds form fields from the parameters of a command, and reads `input_parameters` from the form. */
import { guide } from "../api.js";
import { html } from "../lib.js";
import { useLoad } from "../polling.js";
import { humanize } from "../format.js";

const itemsOf = (record) => record.packageitem_set ?? record.transferitem_set?.map((each) => each.package_item) ?? [];
const nameOf = (item) => item.order_item?.product?.name ?? item.order_item?.product?.sku ?? `item ${item.id}`;

export function Field({ parameter, record }) {
  const { name, required } = parameter;
  const title = html`${humanize(name)}${required ? " *" : ""}`;
  const CustomField = CUSTOM_FIELDS[name];
  if (CustomField) return html`<${CustomField} ...${{ parameter, record, title }} />`;
  if (parameter.type === "ListField") {
    return html`<label class="field"><span>${title} (JSON)</span><textarea name=${name} rows="6" required=${required}></textarea></label>`;
  }
  const type = parameter.type === "IntegerField" ? "number" : "text";
  return html`<label class="field"><span>${title}</span><input name=${name} type=${type} required=${required} />
    <${ProvenanceNote} parameter=${parameter} /></label>`;
}

const ProvenanceNote = ({ parameter }) => (parameter.reason
  ? html`<small>${parameter.name} is ${parameter.provenance}: ${parameter.reason}</small>` : null);

const CUSTOM_FIELDS = {
  package_items: ({ parameter, record, title }) => html`<fieldset><legend>${title}</legend>
    ${itemsOf(record).map((item) => html`<label class="check" key=${item.id}>
      <input type="checkbox" name=${parameter.name} value=${item.id} /> ${nameOf(item)} <small>${item.id}</small></label>`)}</fieldset>`,
  denial_reason: DenialReasonField,
  assignment_groups: ({ parameter, record, title }) => html`<label class="field"><span>${title} (JSON)</span>
    <textarea name=${parameter.name} rows="8" required>${JSON.stringify([
      { package_items: itemsOf(record).map((item) => item.id), erp_code: record.stock_location?.erp_code ?? "" },
    ], null, 2)}</textarea><${ProvenanceNote} parameter=${parameter} /></label>`,
};

function DenialReasonField({ parameter, title }) {
  const reasons = useLoad(async () => (await guide("GET", "packages/package_denial_reason/?is_active=true&limit=100")).body.results, []);
  return html`<label class="field"><span>${title}</span><select name=${parameter.name}>
    <option value="">none</option>
    ${(reasons.data ?? []).map((reason) => html`<option key=${reason.id} value=${reason.id}>${reason.title}</option>`)}</select></label>`;
}

/** Return `input_parameters` from the form; empty fields are left out. */
export function readForm(form, parameters) {
  const data = new FormData(form);
  const values = {};
  for (const { name, type } of parameters) {
    const entered = data.getAll(name).filter((value) => value !== "");
    if (name === "package_items") values[name] = entered.map(Number);
    else if (entered.length) values[name] = valueOf(name, type, entered[0]);
  }
  return values;
}

function valueOf(name, type, text) {
  if (type === "ListField") {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`${name} must be JSON: ${error.message}`, { cause: error });
    }
  }
  return type === "IntegerField" ? Number(text) : text;
}
