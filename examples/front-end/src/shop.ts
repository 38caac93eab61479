import type { Schema } from "oms-emulator";

export type Package = Schema<"package">;

export interface Backend {
  url: string;
  token: string;
}

const PACK = { slug: "package__complete_packaging__waiting__packed-all-items", input_parameters: {} };

async function call(backend: Backend, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Authorization: `Token ${backend.token}`, "Content-Type": "application/json" };
  const response = await fetch(`${backend.url}/api/v1/oms/${path}`, { ...init, headers });
  if (!response.ok) throw new Error(`${path} returned ${response.status}: ${await response.text()}`);
  return response;
}

/** Return the packages that wait to be packed. */
export async function waitingPackages(backend: Backend): Promise<Package[]> {
  const response = await call(backend, "packages/?state__enum_value=100&limit=100");
  return (await response.json()).results;
}

/** Pack a package. Throw an error if it does not wait. */
export async function pack(backend: Backend, id: number): Promise<void> {
  await call(backend, `packages/${id}/command/`, { method: "POST", body: JSON.stringify(PACK) });
}
