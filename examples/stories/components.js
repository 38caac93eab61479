/** The components: custom elements that show the JSON of the OMS. Their attribute `src` is the address of the JSON. */

const HEADERS = { Authorization: "Token full-access", "Content-Type": "application/json" };

/** Return the JSON of an address. Throw an error with the message of the OMS. */
async function load(url, init) {
  const response = await fetch(url, { headers: HEADERS, ...init });
  if (response.status === 204) return undefined;
  const body = await response.json();
  if (response.ok) return body;
  throw new Error(`${response.status}: ${body.detail ?? Object.values(body.error).flat().join(" ")}`);
}

/** Build an element with properties and children. */
function build(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

class LoadedElement extends HTMLElement {
  async connectedCallback() {
    this.replaceChildren(build("p", {}, "Loading…"));
    try {
      this.replaceChildren(...this.show(await load(this.getAttribute("src"))));
    } catch (error) {
      this.showError(error);
    }
  }

  showError({ message }) {
    this.replaceChildren(build("p", { role: "alert" }, message));
  }
}

/** A package: its state, its items, and a button for each command. */
class PackageCard extends LoadedElement {
  show({ number, state, city, packageitem_set, shipment, commands }) {
    const items = packageitem_set.map(({ order_item }) => build("li", {}, order_item.product.name));
    const buttons = commands.map(({ id, label }) => build("button", { onclick: () => this.run(id) }, label));
    return [
      build("h3", {}, number, build("mark", {}, state.name)),
      build("p", {}, `To ${city}`, shipment ? `, with ${shipment.cargo_company.name}` : ""),
      build("ul", {}, ...items),
      build("div", { className: "commands" }, ...buttons),
    ];
  }

  async run(transition) {
    const body = JSON.stringify({ transition, input_parameters: {} });
    try {
      await load(`${this.getAttribute("src")}command/`, { method: "POST", body });
      await this.connectedCallback();
    } catch (error) {
      this.showError(error);
    }
  }
}

/** A list of packages. */
class PackageTable extends LoadedElement {
  show({ count, results }) {
    if (count === 0) return [build("p", {}, "No packages.")];
    const rows = results.map(({ number, city, state }) =>
      build("tr", {}, build("td", {}, number), build("td", {}, city), build("td", {}, build("mark", {}, state.name))),
    );
    return [build("p", {}, `${count} packages`), build("table", {}, ...rows)];
  }
}

customElements.define("package-card", PackageCard);
customElements.define("package-table", PackageTable);
