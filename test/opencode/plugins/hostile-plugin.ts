/** The installed plugin, with a hook that finds a trap in whatever it is given. */
import { appendFileSync } from "node:fs";

interface Options {
  /** The plugin's entry. */
  entry: string;
  /** The hook whose arguments are trapped; `all` for every one. */
  hook: string;
  /** File that takes a line for each trap that was sprung. */
  report: string;
}

type Hook = (...args: unknown[]) => unknown;

async function server(input: unknown, { entry, hook, report }: Options): Promise<Record<string, unknown>> {
  const plugin = (await import(entry)).default as { server: Hook };
  const hooks = (await plugin.server(input, {})) as Record<string, Hook>;
  const trapped = Object.entries(hooks).map(([name, call]) => {
    if (hook !== "all" && hook !== name) return [name, call];
    const trap = trapFor(() => appendFileSync(report, `${name}\n`));
    return [name, () => call(trap, trap)];
  });
  return Object.fromEntries(trapped);
}

/** Whatever is done with it throws. */
function trapFor(onSprung: () => void): object {
  const spring = () => {
    onSprung();
    throw new Error("a bug in the plugin");
  };
  return new Proxy({}, new Proxy({}, { get: () => spring }));
}

// biome-ignore lint/style/noDefaultExport: OpenCode loads plugins by it.
export default { id: "hostile", server };
