import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { WorkerJobRegistry } from "../../job/registry.ts";
import { TRACEPARENT } from "../../job/traceparent.ts";
import { defineCommand, type Invocation, UsageError } from "../command.ts";
import { CommandJob } from "../command-job.ts";
import type { CliContext } from "../context.ts";
import { withDeadline } from "../deadline.ts";
import { type BridgeTarget, findBridge } from "../discovery.ts";
import { parseDuration } from "../duration.ts";
import { eventLine } from "../event-line.ts";
import { createForwardSink, type ForwardSink } from "../forward-sink.ts";
import { LastJob } from "../last-job.ts";
import { defaultLogFile } from "../state-directory.ts";
import { painter, plainText, write } from "../terminal.ts";

/**
 * A collector or bridge that does not answer is given up on after so many milliseconds, so that the exit
 * is delayed by two seconds at most.
 */
const SHUTDOWN_MS = 1_800;
/** A bridge that was found by its file and refuses is most likely gone. */
const FOUND_RETRY_DELAYS_MS = [100];

const FLAGS = {
  worker: { type: "string", value: "NAME", help: "Who does the work; names the job's span (required)" },
  session: { type: "string", value: "ID", help: "Session that the job belongs to" },
  message: { type: "string", value: "TEXT", help: "What the job is about (default: the command line)" },
  "parent-job": {
    type: "string",
    value: "ID",
    help: "Job that this one is a part of (default: $ORCHESTRA_JOB_ID)",
  },
  timeout: {
    type: "string",
    value: "TIME",
    help: "Time budget such as 500ms, 30s, 5m or 2h; then exit code 124",
  },
  url: {
    type: "string",
    value: "URL",
    help: "Bridge to send events to (default: $ORCHESTRA_URL, a running serve)",
  },
  token: {
    type: "string",
    value: "TOKEN",
    help: "The bridge's token (default: $ORCHESTRA_TOKEN, that of serve)",
  },
  json: { type: "boolean", help: "Print the ended job as one line of JSON on stderr" },
  verbose: { type: "boolean", help: "Print how the job ended on stderr, even when that is no terminal" },
} as const;

type ExecFlags = Invocation<typeof FLAGS>["flags"];

export const exec = defineCommand({
  name: "exec",
  summary: "Run a command as a job; exits as the command does",
  usage: "exec --worker NAME [flags] -- COMMAND [ARGUMENT …]",
  flags: FLAGS,
  run: async ({ flags, operands, rest }, context) => {
    if (!flags.worker) throw new UsageError("Option '--worker' is required");
    if (operands.length > 0) throw new UsageError(`Put the command after '--', not before: '${operands[0]}'`);
    if (!rest?.[0]) throw new UsageError("Expected a command after '--'");
    const timeoutMs = flags.timeout === undefined ? undefined : parseDuration("timeout", flags.timeout);
    const { env } = context;
    const input = {
      workerId: flags.worker,
      message: flags.message ?? rest.join(" "),
      sessionId: flags.session || undefined,
      parentJobId: flags["parent-job"] || env.ORCHESTRA_JOB_ID || undefined,
      // A caller's context that is not one is ignored, as the W3C specification has it.
      traceparent: TRACEPARENT.test(env.TRACEPARENT ?? "") ? env.TRACEPARENT : undefined,
      timeoutMs,
    };
    const session = await startSession(flags, context);
    const exitCode = await new CommandJob(rest, session.telemetry, context).run(input);
    await withDeadline(session.telemetry.shutdown(), SHUTDOWN_MS);
    // Who closed stderr does not want to know, and still gets the command's exit code.
    await report(session, flags, context).catch(() => {});
    return exitCode;
  },
});

type Session = Awaited<ReturnType<typeof startSession>>;

async function startSession(flags: ExecFlags, { env, stderr }: CliContext) {
  const bridge = findBridge(flags, env);
  const forward = bridge && forwardTo(bridge);
  const onExposed = (message: string) => {
    // Who closed stderr does not want to know.
    write(stderr, `orchestra-otel: no log file: ${plainText(message)}\n`).catch(() => {});
  };
  // Loaded late, so that help and usage errors come at once.
  const { startTelemetry } = await import("../../telemetry.ts");
  const telemetry = await startTelemetry({
    env,
    serviceName: env.OTEL_SERVICE_NAME || "orchestra-otel",
    registry: new WorkerJobRegistry(),
    bridge: false,
    logFile: env.ORCHESTRA_LOG_FILE || defaultLogFile(env, onExposed),
    sinks: forward && [forward],
  });
  const lastJob = new LastJob((jobId) => telemetry.registry.get(jobId) !== undefined);
  telemetry.onEvent((record) => lastJob.apply(record));
  return { telemetry, lastJob, bridge, forward };
}

function forwardTo(target: BridgeTarget): ForwardSink {
  const retryDelaysMs = target.isExplicit ? undefined : FOUND_RETRY_DELAYS_MS;
  return createForwardSink({ target, retryDelaysMs });
}

async function report(
  { lastJob, bridge, forward }: Session,
  flags: ExecFlags,
  context: CliContext,
): Promise<void> {
  const { stderr, env } = context;
  const loss = forward && lossOf(forward.stats());
  if (bridge?.isExplicit && loss !== undefined) {
    await write(stderr, `${plainText(`orchestra-otel: ${bridge.url}: ${loss}`)}\n`);
  }
  const { event, snapshot } = lastJob;
  if (event === undefined) return;
  if (flags.json) await write(stderr, `${JSON.stringify(snapshot)}\n`);
  else if (flags.verbose || stderr.isTTY) await write(stderr, `${eventLine(event, painter(stderr, env))}\n`);
  // One that ran has had its own say.
  else if (hasNotStarted(snapshot)) await write(stderr, `orchestra-otel: ${plainText(snapshot.error)}\n`);
}

function hasNotStarted(job: JobSnapshot | undefined): job is JobSnapshot & { error: string } {
  return job?.error !== undefined && Boolean(job.errorType?.startsWith("spawn_"));
}

/** What will not arrive any more, as the process is about to end. */
function lossOf({ delivered, pending, dropped, lastError }: ReturnType<ForwardSink["stats"]>) {
  const lost = pending + Object.values(dropped).reduce((sum, count) => sum + count, 0);
  if (lost === 0) return undefined;
  return `${lost} of ${delivered + lost} events did not arrive: ${lastError ?? "no answer in time"}`;
}
