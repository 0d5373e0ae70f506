import { defineConfig } from "vite";

/** Builds the control panel, which the bridge serves at its root. */
export default defineConfig({
  root: "src/panel",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  logLevel: "error",
  build: {
    outDir: "../../dist/panel",
    emptyOutDir: true,
    target: "es2022",
    cssTarget: ["chrome125", "firefox128", "safari17.5"],
    // Everything is a file of its own: the bridge lets no page load anything inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: "LICENSES.md" },
  },
  worker: { format: "es" },
});
