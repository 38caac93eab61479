import { defineConfig } from "vitest/config";

export default defineConfig({
  build: { target: "es2022" },
  test: {
    globalSetup: ["oms-emulator/vitest/setup"], // one emulator for all test files
    include: ["tests/*.test.ts"],
    hookTimeout: 120_000,
    testTimeout: 60_000,
  },
});
