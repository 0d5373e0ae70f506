/** The installed plugin, with the time that OpenCode waits for it written to a file. */
import { appendFileSync } from "node:fs";

interface Options {
  /** The plugin's entry. */
  entry: string;
  /** Takes one line of milliseconds each time that the plugin is loaded. */
  report: string;
}

async function server(input: unknown, { entry, report }: Options): Promise<unknown> {
  const begin = performance.now();
  const plugin = (await import(entry)).default as { server(input: unknown, options: object): unknown };
  const hooks = await plugin.server(input, {});
  appendFileSync(report, `${performance.now() - begin}\n`);
  return hooks;
}

// biome-ignore lint/style/noDefaultExport: OpenCode loads plugins by it.
export default { id: "timed", server };
