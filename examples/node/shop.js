/** A client of the OMS: list waiting packages, pack them, report rejected commands. */

/** Thrown when the OMS rejects a command. The message is the error of the OMS. */
export class Refused extends Error {}

/** Milliseconds after which a request fails. Without a limit, `fetch` waits for minutes. */
const TIMEOUT = 10_000;

export class Shop {
  constructor(url, token) {
    this.packages = `${url}/api/v1/oms/packages/`;
    this.headers = { Authorization: `Token ${token}`, "Content-Type": "application/json" };
  }

  /** Yield all waiting packages, page by page. */
  async *waiting() {
    let url = `${this.packages}?state__enum_value=100&limit=50`;
    while (url) {
      const page = await (await this.request(url)).json();
      yield* page.results;
      url = page.next;
    }
  }

  /** Pack a package and return its tracking number. */
  async pack(id) {
    const { commands } = await (await this.request(`${this.packages}${id}/`)).json();
    const slug = commands.map((command) => command.slug).find((each) => each.includes("__complete_packaging__"));
    if (!slug) throw new Refused(`package ${id} cannot be packed`);
    await this.request(`${this.packages}${id}/command/`, { slug, input_parameters: {} });
    return (await (await this.request(`${this.packages}${id}/`)).json()).tracking_number;
  }

  /** Send a request with the token. Throw `Refused` for a 400. */
  async request(url, body) {
    const response = await fetch(url, {
      method: body ? "POST" : "GET",
      headers: this.headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.status === 400) throw new Refused(JSON.stringify((await response.json()).error));
    if (!response.ok) throw new Error(`${response.status} ${url}`);
    return response;
  }
}
