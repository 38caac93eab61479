import type { Schema } from "oms-emulator";

export type Package = Schema<"package">;

export interface Backend {
  url: string;
  token: string;
}

/** An error response of the OMS, with its messages. */
export class OmsError extends Error {
  constructor(
    readonly status: number,
    readonly messages: string[],
  ) {
    super(`the OMS returned ${status}: ${messages.join(" ")}`);
  }
}

/** Return the messages of an error response: one for each field, or its detail. */
async function messagesOf(response: Response): Promise<string[]> {
  const { error, detail } = await response.json().catch(() => ({ detail: response.statusText }));
  return error ? Object.entries(error).map(([field, texts]) => `${field}: ${texts}`) : [detail];
}

async function call(backend: Backend, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Authorization: `Token ${backend.token}`, "Content-Type": "application/json" };
  const response = await fetch(`${backend.url}/api/v1/oms/${path}`, { ...init, headers });
  if (!response.ok) throw new OmsError(response.status, await messagesOf(response));
  return response;
}

/** Return the newest packages. */
export async function listPackages(backend: Backend): Promise<Package[]> {
  const response = await call(backend, "packages/?sort=-id&limit=20");
  return (await response.json()).results;
}

export async function getPackage(backend: Backend, id: number): Promise<Package> {
  const response = await call(backend, `packages/${id}/`);
  return response.json();
}

/** Run a command that needs no parameters. Throw `OmsError` if the OMS refuses it. */
export async function runCommand(backend: Backend, id: number, transition: number): Promise<void> {
  const body = JSON.stringify({ transition, input_parameters: {} });
  await call(backend, `packages/${id}/command/`, { method: "POST", body });
}
