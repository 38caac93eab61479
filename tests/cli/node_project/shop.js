/** A client of the OMS. It requests all pages of a list, and repeats a write after a lost connection. */

const { OMS_URL, OMS_TOKEN } = process.env;
const PACKAGES = `${OMS_URL}/api/v1/oms/packages/`;

export const headers = { Authorization: `Token ${OMS_TOKEN}`, "Content-Type": "application/json" };

async function request(url, body) {
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(url, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  if (!response.ok) throw new Error(`${response.status} ${url}`);
  return response;
}

/** Return the shipped packages. */
export async function shipped() {
  const rows = [];
  for (let url = `${PACKAGES}short/?state=42&limit=5`; url; ) {
    const page = await (await request(url)).json();
    rows.push(...page.results);
    url = page.next;
  }
  return rows;
}

/** Set the number of a package in our system. */
export async function setNumber(id, number) {
  const send = () => request(`${PACKAGES}${id}/set_remote_id/`, { remote_id: number });
  return send().catch((error) => (error instanceof TypeError ? send() : Promise.reject(error)));
}
