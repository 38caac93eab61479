// Pack a waiting package with the `typescript-fetch` client of openapi-generator, and print the state.
import { Configuration, PackageServicesGuideApi } from "./generated";

declare const process: { argv: string[] };

async function main(): Promise<void> {
  const api = new PackageServicesGuideApi(
    new Configuration({ basePath: process.argv[2], apiKey: "Token full-access" }),
  );
  const waiting = await api.listPackages({ stateEnumValue: "100" });
  const { id: pk, createdDate } = waiting.results[0];
  const command = { slug: "package__complete_packaging__waiting__packed-all-items", inputParameters: {} };
  await api.commandPackage({ pk, command });
  const packed = await api.getPackage({ pk });
  console.log(packed.state.enumValue, Number.isNaN(createdDate.getTime()) ? "invalid date" : "valid date");
}

void main();
