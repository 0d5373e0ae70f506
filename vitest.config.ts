import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // No retries and no bail: a flaky test is a defect.
    retry: 0,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 10_000 } },
      {
        extends: true,
        test: { name: "integration", include: ["test/integration/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: ["test/browser/global-setup.ts"],
          testTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "panel",
          include: ["test/panel/**/*.test.ts"],
          globalSetup: ["test/browser/global-setup.ts"],
          testTimeout: 60_000,
          expect: { poll: { timeout: 15_000 } },
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "opencode",
          include: ["test/opencode/**/*.test.ts"],
          globalSetup: ["test/opencode/global-setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // Each test keeps a core busy with OpenCode itself.
          fileParallelism: false,
          maxConcurrency: 2,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["src/job/**/*.ts", "src/event/**/*.ts", "exporters/**/*.ts"],
      reporter: ["text-summary", "text", "json-summary"],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
});
