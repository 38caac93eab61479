import { setupEmulator } from "oms-emulator";
import { pack, waitingPackages, type Backend } from "./shop.js";

async function show(backend: Backend): Promise<void> {
  const list = document.querySelector("ul")!;
  list.replaceChildren();
  for (const each of await waitingPackages(backend)) {
    const button = Object.assign(document.createElement("button"), { textContent: "Pack" });
    button.addEventListener("click", async () => {
      await pack(backend, each.id);
      await show(backend);
    });
    const item = document.createElement("li");
    item.append(each.number, " ", button);
    list.append(item);
  }
}

// Without a backend in the configuration, the OMS runs in this page.
const url = import.meta.env.VITE_OMS_URL ?? (await setupEmulator({ scenario: "demo", packages: 20 })).url;
await show({ url, token: "full-access" });
