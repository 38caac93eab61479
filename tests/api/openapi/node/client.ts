// A client that is typed by the generated description: it compiles only if that says what is used here.
import createClient from "openapi-fetch";
import type { components, paths, webhooks } from "./generated";

type Package = components["schemas"]["package"];
type Created =
  webhooks["package.created"]["post"]["requestBody"]["content"]["application/json"];

// The media type selects the JSON errors: an id that is not a number is answered with an HTML page.
const oms = createClient<paths, "application/json">({
  baseUrl: "http://127.0.0.1:8080",
  headers: { Authorization: "Token full-access" },
});

export async function waiting(): Promise<Package[]> {
  const { data, error } = await oms.GET("/api/v1/oms/packages/", {
    params: { query: { page: "last", limit: 100 } },
  });
  if (error) throw new Error(JSON.stringify(error));
  return data.results.filter((one) => one.state.enum_value === "100");
}

export async function run(pk: number, slug: string): Promise<string[]> {
  const { error, response } = await oms.POST("/api/v1/oms/packages/{pk}/command/", {
    params: { path: { pk } },
    body: { slug, input_parameters: {} },
  });
  if (response.status === 204 || !error) return [];
  return "error" in error ? Object.values(error.error).flat() : [error.detail];
}

export function told(event: Created): string {
  return event.payload.number + event.payload.state.name;
}

export async function misspelt(): Promise<void> {
  // @ts-expect-error there is no such path
  await oms.GET("/api/v1/oms/package/");
}
