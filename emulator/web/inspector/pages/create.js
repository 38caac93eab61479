/** The create page: place an order, create a package in any state, set the stock of a product. */
import { control } from "../api.js";
import { html, useState } from "../lib.js";
import { useLoad } from "../loading.js";
import { Card, Form, LoadError, PageHeading, valuesOf, WhenLoaded } from "../components/common.js";
import { runAction } from "../components/toasts.js";
import { navigate } from "../router.js";
import { plural } from "../format.js";

export function Page() {
  const catalog = useLoad(() => control("GET", "catalog"), []);
  return html`<div><${PageHeading} title="Create" /><${WhenLoaded} request=${catalog} feature="the catalogue">${(choices) => html`<div>
    <${Card} title="Place an order"><${OrderForm} catalog=${choices} /><//>
    <div class="columns"><${Card} title="Create a package"><${PackageForm} /><//>
      <${Card} title="Set stock"><${StockForm} catalog=${choices} /><//></div></div>`}<//></div>`;
}

const SHOWN = 24;

/** The picture of a product, if it comes from this server. */
export const Picture = ({ product }) => (product.image?.startsWith(location.origin) ? html`<img class="thumb" src=${product.image} alt="" loading="lazy" />` : null);

/** Place an order, and open its first package. `document`: the body of the control API. */
export const placeOrder = (document) => runAction(() => control("POST", "orders", { body: document }),
  ({ packages, transfers }) => `Order placed: ${plural(packages.length, "package")}, ${plural(transfers.length, "transfer order")}`);

function OrderForm({ catalog }) {
  const [lines, setLines] = useState([]);
  const [text, setText] = useState("");
  const [collects, setCollects] = useState(false);
  const matches = catalog.products.filter((product) => `${product.name} ${product.sku}`.toLowerCase().includes(text.toLowerCase()));
  const add = (product) => setLines(lines.some((line) => line.sku === product.sku) ? lines : [...lines, { sku: product.sku, product, quantity: 1 }]);
  const change = (sku, quantity) => setLines(quantity > 0 ? lines.map((line) => (line.sku === sku ? { ...line, quantity } : line)) : lines.filter((line) => line.sku !== sku));
  const submit = async (form) => {
    const { first_name, last_name, city, line, store } = valuesOf(form);
    const made = await placeOrder({
      lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
      ...((city || line || first_name || last_name) && { shipping_address: { ...(city && { city }), ...(line && { line }), ...(first_name && { first_name }), ...(last_name && { last_name }) } }),
      ...(collects && { is_click_and_collect: true, ...(store && { retail_store_id: Number(store) }) }),
    });
    if (made?.packages?.length) navigate(`packages/${made.packages[0]}`);
  };
  return html`<${Form} onSubmit=${submit}>
    <label class="field"><span>Find a product</span><input type="search" value=${text} onInput=${(event) => setText(event.target.value)} placeholder="Name or SKU" /></label>
    <ul class="shelf" aria-label="Products">${matches.slice(0, SHOWN).map((product) => html`<li key=${product.id}><button type="button" onClick=${() => add(product)}
      aria-label="Add ${product.name} ${product.sku}"><${Picture} product=${product} /><span>${product.name}<small>${product.sku}</small></span></button></li>`)}</ul>
    ${matches.length > SHOWN && html`<p class="hint">${plural(matches.length - SHOWN, "more product matches", "more products match")}.</p>`}
    <fieldset><legend>Order lines</legend>${lines.length ? lines.map((line) => html`<div class="bar line" key=${line.sku}><${Picture} product=${line.product} />
        <span class="grow">${line.product.name} <small>${line.sku}</small></span>
        <label class="field"><span class="sr">Quantity of ${line.sku}</span><input type="number" min="0" max="100" value=${line.quantity}
          onInput=${({ target }) => target.value !== "" && change(line.sku, Number(target.value))} /></label>
        <button type="button" class="small" aria-label="Remove ${line.sku}" onClick=${() => change(line.sku, 0)}>✕</button></div>`)
      : html`<p class="empty">Choose a product above.</p>`}</fieldset>
    <div class="fields"><label class="field"><span>First name</span><input name="first_name" /></label><label class="field"><span>Last name</span><input name="last_name" /></label>
      <label class="field"><span>City</span><select name="city"><option value="">any</option>${catalog.cities.map((city) => html`<option key=${city.name}>${city.name}</option>`)}</select></label>
      <label class="field"><span>Address line</span><input name="line" /></label></div>
    <label class="check"><input type="checkbox" checked=${collects} onChange=${() => setCollects(!collects)} /> Click and collect</label>
    ${collects && html`<label class="field"><span>Pickup location</span><select name="store"><option value="">nearest</option>
      ${catalog.locations.filter((each) => each.is_pickup_location).map((each) => html`<option key=${each.id} value=${each.id}>${each.name}${each.city ? `, ${each.city}` : ""}</option>`)}</select></label>`}
    <div class="actions"><button class="main" disabled=${!lines.length}>Place order</button></div><//>`;
}

function PackageForm() {
  const graph = useLoad(() => control("GET", "graph"), []);
  const submit = async (form) => {
    const { state, items } = valuesOf(form);
    const made = await runAction(() => control("POST", "packages", { body: { state, items: Number(items) } }), (body) => `Created package ${body.number}`);
    if (made?.id) navigate(`packages/${made.id}`);
  };
  return html`<${Form} onSubmit=${submit}><${LoadError} request=${graph} /><div class="fields">
    <label class="field"><span>State</span><select name="state">${(graph.data?.packages.states ?? []).map((state) => html`<option key=${state.id} value=${state.name}>${state.name}</option>`)}</select></label>
    <label class="field"><span>Items</span><input name="items" type="number" min="1" max="20" value="1" required /></label></div>
    <div class="actions"><button class="main" disabled=${!graph.data}>Create package</button></div><//>`;
}

function StockForm({ catalog }) {
  const [last, setLast] = useState(null);
  const submit = async (form) => {
    const { place, sku, quantity } = valuesOf(form);
    const done = await runAction(() => control("PUT", `stock/${place}/${encodeURIComponent(sku)}`, { body: { quantity: Number(quantity) } }), `Stock of ${sku} set to ${quantity}`);
    if (done) setLast(done);
  };
  return html`<${Form} onSubmit=${submit}><div class="fields">
    <label class="field"><span>Location</span><select name="place">${catalog.locations.map((each) => html`<option key=${each.id} value=${each.id}>${each.name}</option>`)}</select></label>
    <label class="field"><span>Product</span><input name="sku" list="skus" required /></label>
    <label class="field"><span>Quantity</span><input name="quantity" type="number" min="0" value="0" required /></label></div>
    <datalist id="skus">${catalog.products.map((product) => html`<option key=${product.id} value=${product.sku}>${product.name}</option>`)}</datalist>
    <div class="actions"><button class="main">Set stock</button></div>${last && html`<p class="hint">Available now: ${last.quantity}</p>`}<//>`;
}
