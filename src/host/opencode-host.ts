import type { Environment } from "../config.ts";
import { withinDeadline } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import { Guard } from "./opencode-guard.ts";
import { whenIdle } from "./opencode-idle.ts";
import { Instance, MAX_WAITING } from "./opencode-instance.ts";
import type { PluginOptions } from "./opencode-options.ts";
import { onDeath } from "./opencode-signals.ts";
import type { HostTelemetry } from "./opencode-telemetry.ts";

/** Writes a line to OpenCode's own log. Default level: `warn`. */
export type Log = (message: string, level?: "info" | "warn") => void;

export interface EnterOptions {
  options: PluginOptions;
  env: Environment;
  log: Log;
  /** What they are the options for, in words. */
  directory: string;
  /** Stops what runs in a session. */
  abort: (sessionId: string) => void;
}

/** Why what is open in a directory ends with it. */
export const DIRECTORY_CLOSED = "directory closed";
/** How long a directory's end, and the process's, may wait for us, in milliseconds. */
const DISPOSE_MS = 1_500;
const SIGNAL_MS = 1_000;

const OF_ITS_OWN =
  ", which are those of the directory that came first; of its own hold `prompts` and `propagate`, and what keeps texts in";

/** A telemetry that is starting or up, and what depends on it. */
interface Running {
  telemetry: Promise<HostTelemetry | undefined>;
  /** What it was started with: the options of the directory that came first. */
  options: PluginOptions;
  /** What is told already, as directories mostly have the same to tell. */
  told: Set<string>;
  /** Each with when it has told what came before the telemetry was up; never rejects. */
  instances: Map<Instance, Promise<unknown>>;
  stopListening: () => void;
}

/** One directory's way into the telemetry. */
export interface Entrance {
  instance: Instance;
  /** Whether it has become part of a telemetry; never rejects. */
  opened: Promise<boolean>;
  leave: () => Promise<void>;
}

/**
 * The telemetry that all directories of one OpenCode process share: the first starts it, the last to leave
 * ends it, and one that comes later starts it anew.
 */
export class OpenCodeHost {
  #running: Running | undefined;
  /** The end of the one before. */
  #ended: Promise<unknown> = Promise.resolve();

  /** Never throws, and waits for nothing. */
  enter(options: EnterOptions): Entrance {
    const guard = new Guard((where, error) => {
      const message = `The OpenCode plugin failed at ${where}: ${reasonOf(error)}`;
      options.log(message);
      void this.#running?.telemetry.then((telemetry) => telemetry?.tell(message)).catch(() => {});
    });
    const instance = new Instance(guard);
    this.#running ??= this.#start(options, guard);
    const running = this.#running;
    const problems = newTo(running, options.options.problems);
    for (const problem of problems) options.log(problem);
    const opened = guard
      .runLong("open", () => this.#open(instance, options, { running, problems }))
      .then((isOpen = false) => {
        // What waits would do so for ever.
        if (!isOpen) instance.close("no telemetry", Date.now());
        return isOpen;
      });
    running.instances.set(instance, opened);
    let left: Promise<void> | undefined;
    const leave = () => {
      left ??= withinDeadline(DISPOSE_MS, this.#leave(running, instance)).then(() => {});
      return left;
    };
    return { instance, opened, leave };
  }

  #start({ options, env, log }: EnterOptions, guard: Guard): Running {
    const start = async () => {
      await this.#ended;
      const { startHostTelemetry } = await import("./opencode-telemetry.ts");
      const onServing = (url: string) => log(`The feed is at ${url}/v1/events`, "info");
      const telemetry = await startHostTelemetry({
        ...options,
        env,
        // Loading an HTTP server is what costs most, and is of no use to a process that is about to end.
        lateBridge: { after: whenIdle(), onServing },
        onWarning: (message) => log(message),
      });
      for (const problem of telemetry.problems) running.told.add(problem);
      return telemetry;
    };
    const telemetry = new Promise<HostTelemetry | undefined>((resolve) => {
      // Not before OpenCode has gone on: what is loaded here must not be waited for.
      setImmediate(() => resolve(guard.runLong("start", start)));
    });
    const running: Running = {
      telemetry,
      options,
      told: new Set(),
      instances: new Map(),
      stopListening: () => {},
    };
    running.stopListening = onDeath({
      leave: (signal) => withinDeadline(SIGNAL_MS, this.#end(running, signal)),
      flush: () => withinDeadline(SIGNAL_MS, this.#flush(running)),
    });
    return running;
  }

  /** Whether there is a telemetry. */
  async #open(
    instance: Instance,
    { options, env, log, directory, abort }: EnterOptions,
    { running, problems }: { running: Running; problems: readonly string[] },
  ): Promise<boolean> {
    const telemetry = await running.telemetry;
    if (telemetry === undefined) return false;
    const [{ OpenCodeJobs }, { OpenCodeSpans }, { shareOf }] = await Promise.all([
      import("./opencode-jobs.ts"),
      import("./opencode-spans.ts"),
      import("./opencode-share.ts"),
    ]);
    for (const problem of problems) telemetry.tell(problem);
    const share = await shareOf(options, { telemetry, inUse: running.options, env });
    const tell = (message: string) => {
      log(message);
      telemetry.tell(message);
    };
    if (!share.isInUse) log(`The options for ${directory} are not those in use${OF_ITS_OWN}`);
    newTo(running, share.problems).forEach(tell);
    const spans = new OpenCodeSpans({ ...telemetry, ...share });
    const { prompts } = options;
    const traceparent = env.TRACEPARENT || env.traceparent;
    instance.open(new OpenCodeJobs({ ...telemetry, ...share, spans, prompts, traceparent, abort }));
    if (instance.dropped > 0) {
      const limit = `when ${MAX_WAITING} waited already`;
      tell(`${instance.dropped} events came before the telemetry was up, ${limit}: they are not told of`);
    }
    return true;
  }

  async #leave(running: Running, instance: Instance): Promise<void> {
    await running.instances.get(instance);
    instance.close(DIRECTORY_CLOSED, Date.now());
    running.instances.delete(instance);
    if (running.instances.size > 0) return;
    running.stopListening();
    await this.#end(running, "closed");
  }

  async #flush({ telemetry }: Running): Promise<void> {
    await (await telemetry)?.flush();
  }

  async #end(running: Running, reason: string): Promise<void> {
    if (this.#running === running) this.#running = undefined;
    const ended = this.#shutDown(running, reason);
    // Whoever comes from now on begins after that, even if it fails.
    this.#ended = Promise.allSettled([this.#ended, ended]);
    await ended;
  }

  async #shutDown(running: Running, reason: string): Promise<void> {
    const telemetry = await running.telemetry;
    await Promise.all(running.instances.values());
    for (const instance of running.instances.keys()) instance.close(reason, Date.now());
    await telemetry?.shutdown();
  }
}

/** Those that nobody has told of; from now on somebody has. */
function newTo({ told }: Running, problems: readonly string[]): readonly string[] {
  const fresh = problems.filter((problem) => !told.has(problem));
  for (const problem of fresh) told.add(problem);
  return fresh;
}
