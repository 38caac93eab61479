import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  publicDir: process.env.VITE_OMS_URL ? false : "public", // with a backend, without the files of the emulator
  build: { target: "es2022" },
  test: {
    globalSetup: ["oms-emulator/vitest/setup"], // one emulator for all test files
    include: ["tests/*.test.{ts,tsx}"],
    hookTimeout: 120_000,
    testTimeout: 60_000,
  },
});
