import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A plugin as `opencode.json` names it, with its options where it has any. */
export type PluginEntry = string | [specifier: string, options: object];

export interface ProjectOptions {
  /** Where the model listens. */
  llmUrl: string;
  /** See `installPlugin`. */
  packages: string;
  plugins: readonly PluginEntry[];
  /** Added to OpenCode's environment. */
  env?: Readonly<Record<string, string>>;
  /** Added to `opencode.json`. */
  config?: object;
}

/** Keeps OpenCode off the network, and npm from trying for a minute. */
const OFFLINE = {
  OPENCODE_DISABLE_MODELS_FETCH: "1",
  OPENCODE_DISABLE_AUTOUPDATE: "1",
  OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
  OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
  OPENCODE_DISABLE_SHARE: "1",
  npm_config_offline: "true",
};

/** A user of OpenCode with a home and a folder to work in, and nothing of who runs the tests. */
export class Project {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the plugin keeps its data unless told otherwise. */
  readonly dataFile: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "orchestra-opencode-"));
  readonly #options: ProjectOptions;

  constructor(options: ProjectOptions) {
    this.#options = options;
    const [cache, state] = [this.#make("cache/opencode"), this.#make("state")];
    symlinkSync(options.packages, join(cache, "packages"));
    this.env = {
      PATH: String(process.env.PATH),
      HOME: this.#make("home"),
      TMPDIR: this.#make("tmp"),
      XDG_CACHE_HOME: this.#make("cache"),
      XDG_CONFIG_HOME: this.#make("config"),
      XDG_DATA_HOME: this.#make("data"),
      XDG_STATE_HOME: state,
      ...OFFLINE,
      ...options.env,
    };
    this.dataFile = join(state, "orchestra-otel/opencode.db");
    this.directory = this.addDirectory("project");
  }

  /** Another folder of the same user, with plugins of its own or the same. */
  addDirectory(name: string, plugins: readonly PluginEntry[] = this.#options.plugins): string {
    const directory = this.#make(name);
    writeFileSync(join(directory, "opencode.json"), JSON.stringify(this.#config(plugins)));
    return directory;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #make(path: string): string {
    const folder = join(this.#folder, path);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #config(plugins: readonly PluginEntry[]): object {
    return {
      autoupdate: false,
      share: "disabled",
      snapshot: false,
      model: "fake/fake-1",
      small_model: "fake/fake-1",
      enabled_providers: ["fake"],
      permission: { "*": "allow" },
      plugin: plugins,
      // Subagents have none of their own but where both say so.
      subagent_depth: 2,
      agent: { nester: { mode: "subagent", description: "Delegates.", permission: { task: "allow" } } },
      provider: {
        fake: {
          npm: "@ai-sdk/openai-compatible",
          options: { baseURL: this.#options.llmUrl, apiKey: "none" },
          models: { "fake-1": { name: "Fake", limit: { context: 100_000, output: 4_000 } } },
        },
      },
      ...this.#options.config,
    };
  }
}
