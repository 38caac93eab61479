import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.js";
import "./style.css";

/** Start the OMS in this page, and return its address. */
async function startEmulator(): Promise<string> {
  const { setupEmulator } = await import("oms-emulator"); // no part of the application's own file
  const oms = await setupEmulator({ scenario: "demo", packages: 20 });
  return oms.url;
}

const address = new URLSearchParams(location.search).get("oms") ?? import.meta.env.VITE_OMS_URL;
const backend = { url: address ?? (await startEmulator()), token: "full-access" };
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App backend={backend} />
  </StrictMode>,
);
