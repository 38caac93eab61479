/** A shop's client: what waits is packed, and what the OMS refuses is told. */

export class Refused extends Error {}

export class Shop {
  constructor(url, token) {
    this.packages = `${url}/api/v1/oms/packages/`;
    this.headers = { Authorization: `Token ${token}`, "Content-Type": "application/json" };
  }

  /** All packages that wait, page by page. */
  async *waiting() {
    let url = `${this.packages}?state__enum_value=100&limit=50`;
    while (url) {
      const page = await (await this.ask(url)).json();
      yield* page.results;
      url = page.next;
    }
  }

  /** Packs a package; gives its tracking number. */
  async pack(id) {
    const { commands } = await (await this.ask(`${this.packages}${id}/`)).json();
    const slug = commands.map((command) => command.slug).find((each) => each.includes("__complete_packaging__"));
    if (!slug) throw new Refused(`package ${id} cannot be packed`);
    await this.ask(`${this.packages}${id}/command/`, { slug, input_parameters: {} });
    return (await (await this.ask(`${this.packages}${id}/`)).json()).tracking_number;
  }

  async ask(url, body) {
    const answer = await fetch(url, {
      method: body ? "POST" : "GET",
      headers: this.headers,
      body: body && JSON.stringify(body),
    });
    if (answer.status === 400) throw new Refused(JSON.stringify((await answer.json()).error));
    if (!answer.ok) throw new Error(`${answer.status} ${url}`);
    return answer;
  }
}
