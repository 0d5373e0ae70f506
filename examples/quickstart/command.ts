import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { JobProgressInput, RunContext, Telemetry } from "../../src/index.ts";

export interface CommandJob {
  workerId: string;
  message: string;
  sessionId: string;
  command: readonly [string, ...string[]];
  /** Reads progress from a line of the command's own output. */
  progressOf?: (line: string) => JobProgressInput | undefined;
  /** Time budget in milliseconds; a job that exceeds it is canceled. */
  timeoutMs?: number;
}

const RESPONSE_LINES = 20;
/** What does not end when it is asked to is made to, after this many milliseconds. */
const KILL_AFTER_MS = 2_000;

/** The command ended with another status than 0. */
class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Runs a command as a job: its last lines are the response, or the error. */
export async function runCommand(telemetry: Telemetry, job: CommandJob, signal: AbortSignal): Promise<void> {
  const { workerId, message, sessionId, timeoutMs } = job;
  const input = { workerId, message, sessionId, timeoutMs, onTimeout: "cancel", signal } as const;
  await telemetry.run(input, (_job, context) => execute(job, context));
}

async function execute({ command, progressOf }: CommandJob, context: RunContext): Promise<string> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, TRACEPARENT: context.traceparent, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that canceling also reaches what the command starts.
    detached: true,
  });
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid as number), signal);
    } catch {
      // It is gone already.
    }
  };
  let killTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    kill("SIGTERM");
    killTimer = setTimeout(kill, KILL_AFTER_MS, "SIGKILL");
  };
  context.signal.addEventListener("abort", stop);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      if (line.trim() !== "") lines.push(line.trimEnd());
      if (lines.length > RESPONSE_LINES) lines.shift();
      const progress = progressOf?.(line);
      if (progress !== undefined) context.progress(progress);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearTimeout(killTimer);
  context.signal.removeEventListener("abort", stop);
  if (code !== 0) throw new CommandError(`${program} exited with ${code}: ${lines.join("\n")}`);
  return lines.join("\n");
}
