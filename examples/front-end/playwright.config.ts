import { defineConfig } from "@playwright/test";

const port = process.env.PORT ?? "4173";

export default defineConfig({
  testDir: "e2e",
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  webServer: { command: `vite preview --strictPort --port ${port}`, port: Number(port) },
  use: {
    baseURL: `http://localhost:${port}`,
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] },
  },
});
