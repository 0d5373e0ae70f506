import { OrchestraError } from "../errors.ts";
import type { RunContext, RunInput } from "../lifecycle/run.ts";
import type { Telemetry } from "../telemetry.ts";
import { ChildCommand, type ChildEnd } from "./child-command.ts";
import type { CliContext, StopSignal } from "./context.ts";
import { InterruptCanary } from "./interrupt-canary.ts";
import { OutputTail } from "./output-tail.ts";
import { ProgressFilter } from "./progress-filter.ts";
import { write } from "./terminal.ts";

/** The exit code of timeout(1). */
const TIMED_OUT = 124;
/** How long Ctrl-C may take to reach all of a terminal's processes, in milliseconds. */
const INTERRUPT_MS = 300;
/** Characters of the last line on stderr that explain a failure. */
const EXPLANATION_LENGTH = 200;

export interface CommandJobOptions {
  /** How long a command may go on after it was told that its time is over, in milliseconds. Default: 5,000. */
  killAfterMs?: number | undefined;
}

/** A command that is run as a job: its progress lines, its end and its signals become the job's. */
export class CommandJob {
  readonly #command: readonly string[];
  readonly #telemetry: Pick<Telemetry, "run" | "registry">;
  readonly #context: CliContext;
  readonly #killAfterMs: number;
  readonly #output = new OutputTail();
  readonly #errors = new OutputTail();
  #child: ChildCommand | undefined;
  #canary: InterruptCanary | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #stoppedBy: StopSignal | undefined;
  /** Its time was over, or it was canceled from elsewhere. */
  #aborted = false;
  #timedOut = false;

  constructor(
    command: readonly string[],
    telemetry: Pick<Telemetry, "run" | "registry">,
    context: CliContext,
    options: CommandJobOptions = {},
  ) {
    this.#command = command;
    this.#telemetry = telemetry;
    this.#context = context;
    this.#killAfterMs = options.killAfterMs ?? 5_000;
  }

  /** @returns the exit code, once both the job and the command have ended */
  async run(input: RunInput): Promise<number> {
    const off = this.#context.onSignal((signal) => this.#stop(signal));
    if (this.#context.isInteractive) this.#canary = new InterruptCanary();
    try {
      await this.#telemetry.run(input, (job, run) => this.#work(job.id, run)).catch(this.#rethrowOwn);
      const end = await this.#child?.ended;
      // Of a command that was to end, nothing is to stay behind.
      if (this.#aborted) this.#child?.killAll();
      return this.#timedOut ? TIMED_OUT : (end?.exitCode ?? 1);
    } finally {
      off();
      clearTimeout(this.#killTimer);
      this.#canary?.close();
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
    const onAbort = () => this.#abort(child, run.signal.reason);
    run.signal.addEventListener("abort", onAbort);
    const end = await child.ended;
    run.signal.removeEventListener("abort", onAbort);
    if (this.#stoppedBy !== undefined && !this.#aborted) {
      this.#telemetry.registry.cancel(jobId, { reason: this.#stoppedBy });
    }
    if (end.failure !== undefined) throw new CommandFailure(end.failure, this.#errors.lastLine());
    return this.#output.text();
  }

  #start(jobId: string, run: RunContext): ChildCommand {
    const { cwd, env, stdin, stdout, stderr, isInteractive } = this.#context;
    const filter = new ProgressFilter(run.progress);
    return new ChildCommand(this.#command, {
      cwd,
      stdin,
      env: { ...env, TRACEPARENT: run.traceparent ?? env.TRACEPARENT, ORCHESTRA_JOB_ID: jobId },
      ownGroup: !isInteractive,
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

  #abort(child: ChildCommand, reason: unknown): void {
    this.#aborted = true;
    this.#timedOut = reason instanceof OrchestraError && reason.code === "JOB_TIMEOUT";
    child.signal("SIGTERM");
    this.#killLater(child);
  }

  #stop(signal: StopSignal): void {
    const child = this.#child;
    if (this.#stoppedBy !== undefined) {
      child?.signal("SIGKILL");
      return;
    }
    this.#stoppedBy = signal;
    if (child === undefined) return;
    if (signal === "SIGINT" && this.#canary !== undefined) void this.#interrupt(child, this.#canary);
    else child.signal(signal);
  }

  /** A terminal sends Ctrl-C to the command, too, and many commands take a second one as "at once". */
  async #interrupt(child: ChildCommand, canary: InterruptCanary): Promise<void> {
    if (await canary.sawInterrupt(INTERRUPT_MS)) return;
    child.signal("SIGINT");
    this.#killLater(child);
  }

  #killLater(child: ChildCommand): void {
    this.#killTimer ??= setTimeout(() => child.signal("SIGKILL"), this.#killAfterMs).unref();
  }
}

/** Its name becomes the job's `errorType`, so it must stay one of few. */
class CommandFailure extends Error {
  constructor({ error, errorType }: NonNullable<ChildEnd["failure"]>, explanation: string) {
    super(explanation === "" ? error : `${error}: ${explanation.slice(0, EXPLANATION_LENGTH)}`);
    this.name = errorType;
  }
}
