import type { RunContext, RunInput } from "../lifecycle/run.ts";
import type { Telemetry } from "../telemetry.ts";
import { ChildCommand, type ChildEnd } from "./child-command.ts";
import type { CliContext, StopSignal } from "./context.ts";
import { OutputTail } from "./output-tail.ts";
import { ProgressFilter } from "./progress-filter.ts";
import { write } from "./terminal.ts";

/** The exit code of timeout(1). */
const TIMED_OUT = 124;
/** How long a command may go on after it was told that its time is over, in milliseconds. */
const KILL_AFTER_MS = 5_000;
/** Characters of the last line on stderr that explain a failure. */
const EXPLANATION_LENGTH = 200;

/** A command that is run as a job: its progress lines, its end and its signals become the job's. */
export class CommandJob {
  readonly #command: readonly string[];
  readonly #telemetry: Pick<Telemetry, "run" | "registry">;
  readonly #context: CliContext;
  readonly #output = new OutputTail();
  readonly #errors = new OutputTail();
  #child: ChildCommand | undefined;
  #stoppedBy: StopSignal | undefined;
  #timedOut = false;

  constructor(
    command: readonly string[],
    telemetry: Pick<Telemetry, "run" | "registry">,
    context: CliContext,
  ) {
    this.#command = command;
    this.#telemetry = telemetry;
    this.#context = context;
  }

  /** @returns the exit code, once both the job and the command have ended */
  async run(input: RunInput): Promise<number> {
    const off = this.#context.onSignal((signal) => this.#stop(signal));
    try {
      await this.#telemetry.run(input, (job, run) => this.#work(job.id, run)).catch(this.#rethrowOwn);
      const end = await this.#child?.ended;
      return this.#timedOut ? TIMED_OUT : (end?.exitCode ?? 1);
    } finally {
      off();
    }
  }

  /** What ended the job, the job tells; what kept it from starting is ours. */
  readonly #rethrowOwn = (error: unknown): void => {
    if (this.#child === undefined) throw error;
  };

  async #work(jobId: string, run: RunContext): Promise<string> {
    const child = this.#start(jobId, run);
    this.#child = child;
    if (this.#stoppedBy !== undefined) child.signal(this.#stoppedBy);
    const stopWatching = this.#watchTime(child, run.signal);
    const end = await child.ended;
    stopWatching();
    if (this.#stoppedBy !== undefined) this.#telemetry.registry.cancel(jobId, { reason: this.#stoppedBy });
    if (end.failure !== undefined) throw new CommandFailure(end.failure, this.#errors.lastLine());
    return this.#output.text();
  }

  #start(jobId: string, run: RunContext): ChildCommand {
    const { cwd, env, stdin, stdout, stderr, hasTerminal } = this.#context;
    const filter = new ProgressFilter(run.progress);
    return new ChildCommand(this.#command, {
      cwd,
      stdin,
      env: { ...env, TRACEPARENT: run.traceparent ?? env.TRACEPARENT, ORCHESTRA_JOB_ID: jobId },
      ownGroup: !hasTerminal,
      onStdout: async (chunk) => {
        const printed = chunk === undefined ? filter.end() : filter.push(chunk);
        if (printed.length === 0) return;
        this.#output.push(printed);
        await write(stdout, printed);
      },
      onStderr: async (chunk) => {
        if (chunk === undefined) return;
        this.#output.push(chunk);
        this.#errors.push(chunk);
        await write(stderr, chunk);
      },
    });
  }

  #watchTime(child: ChildCommand, signal: AbortSignal): () => void {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      if (this.#stoppedBy !== undefined) return;
      this.#timedOut = true;
      child.signal("SIGTERM");
      timer = setTimeout(() => child.signal("SIGKILL"), KILL_AFTER_MS);
    };
    signal.addEventListener("abort", onAbort);
    return () => {
      signal.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    };
  }

  #stop(signal: StopSignal): void {
    if (this.#stoppedBy !== undefined) {
      this.#child?.signal("SIGKILL");
      return;
    }
    this.#stoppedBy = signal;
    // A terminal sends Ctrl-C to the command, too; many commands take a second one as "at once".
    if (signal !== "SIGINT" || !this.#context.hasTerminal) this.#child?.signal(signal);
  }
}

/** Its name becomes the job's `errorType`, so it must stay one of few. */
class CommandFailure extends Error {
  constructor({ error, errorType }: NonNullable<ChildEnd["failure"]>, explanation: string) {
    super(explanation === "" ? error : `${error}: ${explanation.slice(0, EXPLANATION_LENGTH)}`);
    this.name = errorType;
  }
}
