/**
 * The OpenCode plugin: `"plugin": ["orchestra-otel"]` in `opencode.json`. See docs/opencode.md. It must
 * export nothing else, as OpenCode takes every export for a plugin.
 */
import { openCodeHooks } from "./opencode-hooks.ts";

// biome-ignore lint/style/noDefaultExport: it is how OpenCode finds a plugin
export default {
  id: "orchestra-otel",
  server: async (input: unknown, options?: unknown) => openCodeHooks(input, options, process.env),
};
