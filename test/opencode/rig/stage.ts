import { startTelemetry } from "../../../src/index.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../../fixtures/otlp-receiver.ts";
import { freePort } from "../../torture/free-port.ts";
import { SeededRandom } from "../../torture/seeded-random.ts";
import { readStoredLog } from "../../torture/stored-log.ts";
import type { Evidence } from "./audit.ts";
import { distinctSpans } from "./distinct-spans.ts";
import { FakeLlm } from "./fake-llm.ts";
import { LiveFeed } from "./live-feed.ts";
import type { Answers } from "./llm-answers.ts";
import { type Ending, OpencodeProcess } from "./opencode-process.ts";
import { OpencodeServer } from "./opencode-server.ts";
import { OpencodeTui } from "./opencode-tui.ts";
import { type PluginEntry, Project } from "./project.ts";

/** What the set-up of all tests has made ready. */
export interface Installation {
  /** OpenCode's executable. */
  binary: string;
  /** See `installPlugin`. */
  packages: string;
}

export interface StageOptions extends Installation {
  plugins: readonly PluginEntry[];
  /** What the model does. Default: `ANSWERS`. */
  answers?: Answers | undefined;
  env?: Readonly<Record<string, string>> | undefined;
  /** Added to `opencode.json`. */
  config?: object | undefined;
  /** OpenCode sends spans of its own to the same receiver. Default: false. */
  exportsItself?: boolean | undefined;
}

const ports = new SeededRandom(process.pid);

/** One user with a model, a span receiver and any number of OpenCode processes, all gone when it closes. */
export class Stage {
  readonly llm: FakeLlm;
  readonly receiver: OtlpReceiver;
  readonly project: Project;
  /** Where the plugin's bridge is to be. */
  readonly bridge: string;
  readonly #binary: string;
  readonly #processes: Pick<OpencodeProcess, "ended" | "kill">[] = [];
  readonly #closings: (() => void)[] = [];

  private constructor(parts: Pick<Stage, "llm" | "receiver" | "project" | "bridge">, binary: string) {
    this.llm = parts.llm;
    this.receiver = parts.receiver;
    this.project = parts.project;
    this.bridge = parts.bridge;
    this.#binary = binary;
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { binary, packages, plugins, answers, env, config = {}, exportsItself = false } = options;
    const [llm, receiver, port] = [
      await FakeLlm.start(answers),
      await startOtlpReceiver(),
      await freePort(ports),
    ];
    const project = new Project({
      llmUrl: llm.url,
      packages,
      plugins,
      config,
      env: {
        // OpenCode reads only the general variable, and then exports spans of its own.
        ...(exportsItself
          ? { OTEL_EXPORTER_OTLP_ENDPOINT: new URL("/", receiver.url).href.slice(0, -1) }
          : { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url }),
        ORCHESTRA_BRIDGE_PORT: String(port),
        ...env,
      },
    });
    return new Stage({ llm, receiver, project, bridge: `http://127.0.0.1:${port}` }, binary);
  }

  /** Starts `opencode run`. */
  run(prompt: string): OpencodeProcess {
    return this.#start("run", prompt);
  }

  /** Starts `opencode serve`, and resolves when it listens. */
  async serve(): Promise<OpencodeServer> {
    // Port 0 would be 4096 whenever that is free, and connections to the server before may still be pooled.
    const port = String(await freePort(ports));
    const server = await OpencodeServer.of(this.#start("serve", "--hostname", "127.0.0.1", "--port", port));
    this.#closings.push(() => server.close());
    return server;
  }

  /** Starts `opencode` in a terminal, and resolves when it can be prompted. */
  async tui(): Promise<OpencodeTui> {
    const tui = new OpencodeTui(this.#binary, this.project);
    this.#processes.push(tui);
    await tui.opened();
    return tui;
  }

  /** Follows the feed from its beginning, also before and after there is one. */
  feed(): LiveFeed {
    const feed = new LiveFeed(this.bridge);
    this.#closings.push(() => feed.close());
    return feed;
  }

  /** The end of each process that was started, in that order. */
  async endings(): Promise<Ending[]> {
    return await Promise.all(this.#processes.map(({ ended }) => ended));
  }

  /** Once all processes have ended. Spans that they could not send are sent now, as by the next process. */
  async evidence(): Promise<Evidence> {
    await this.endings();
    const log = readStoredLog(this.project.dataFile);
    await this.#sendRest();
    const callIds = this.llm.requests.flatMap((request) => request.callIds);
    return { log, spans: distinctSpans(this.receiver.spans), callIds };
  }

  async close(): Promise<void> {
    for (const close of this.#closings) close();
    await Promise.all(this.#processes.map((process) => process.kill("SIGKILL")));
    await Promise.all([this.llm.close(), this.receiver.close()]);
    this.project.remove();
  }

  #start(...args: string[]): OpencodeProcess {
    const process = new OpencodeProcess(this.#binary, args, this.project);
    this.#processes.push(process);
    return process;
  }

  async #sendRest(): Promise<void> {
    const { dataFile } = this.project;
    const telemetry = await startTelemetry({
      env: {},
      dataFile,
      bridge: false,
      traces: { url: this.receiver.url },
    });
    await telemetry.flush();
    await telemetry.shutdown();
  }
}
