import { randomBytes } from "node:crypto";
import { createOrchestratorEvent } from "../../event/event.ts";
import { WorkerJobRegistry } from "../../job/registry.ts";
import { defineCommand, UsageError } from "../command.ts";
import type { CliContext } from "../context.ts";
import { writeBridgeFile } from "../discovery.ts";
import { plainText, write } from "../terminal.ts";

const MAX_PORT = 65_535;

export const serve = defineCommand({
  name: "serve",
  summary: "Serve the live feed of events that are sent to it, until it is interrupted",
  usage: "serve [flags]",
  flags: {
    host: { type: "string", value: "HOST", help: "Address to listen on (default: 127.0.0.1)" },
    port: {
      type: "string",
      value: "PORT",
      help: "Port to listen on; 0 takes any (default: 4319, or any free one)",
    },
    token: {
      type: "string",
      value: "TOKEN",
      help: "Guards writes (default: $ORCHESTRA_TOKEN, else a random one)",
    },
  },
  run: async ({ flags, operands, rest }, context) => {
    const [unexpected] = [...operands, ...(rest ?? [])];
    if (unexpected !== undefined) throw new UsageError(`Unexpected argument '${unexpected}'`);
    const port = flags.port === undefined ? undefined : parsePort(flags.port);
    const { env } = context;
    const given = flags.token || env.ORCHESTRA_TOKEN || undefined;
    const token = given ?? randomBytes(24).toString("base64url");
    const stopped = nextSignal(context);
    const { startTelemetry } = await import("../../telemetry.ts");
    const bridge = { host: flags.host, port, token };
    const telemetry = await startTelemetry({ env, registry: new WorkerJobRegistry(), traces: false, bridge });
    try {
      const { url } = telemetry;
      if (url === undefined) throw new UsageError("Variable ORCHESTRA_BRIDGE switches off what serve is for");
      await present({ url, token, isGenerated: given === undefined }, stopped, context);
    } finally {
      await telemetry.shutdown();
    }
    return 0;
  },
});

const KEEP_ALIVE_MS = 60_000;

interface Presence {
  url: string;
  token: string;
  isGenerated: boolean;
}

/** Makes the bridge known until it is stopped, and keeps the process, which the bridge does not. */
async function present(
  { url, token, isGenerated }: Presence,
  stopped: Promise<void>,
  context: CliContext,
): Promise<void> {
  const forget = await announce({ url, token }, context);
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  try {
    // Whoever does not read the greeting may still use the bridge.
    await write(context.stdout, greeting(url, token, isGenerated, context.now())).catch(() => {});
    await stopped;
  } finally {
    clearInterval(keepAlive);
    forget();
  }
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= MAX_PORT) return Number(text);
  throw new UsageError(`Option '--port' takes a number from 0 to ${MAX_PORT}, got '${text}'`);
}

/** Listens from now on; a second signal ends the process. */
function nextSignal(context: CliContext): Promise<void> {
  return new Promise((resolve) => {
    const off = context.onSignal(() => {
      off();
      resolve();
    });
  });
}

/** Without the file the bridge serves as well; it has to be named to the other commands, then. */
async function announce(
  bridge: Parameters<typeof writeBridgeFile>[1],
  { env, stderr }: CliContext,
): Promise<() => void> {
  try {
    return writeBridgeFile(env, bridge);
  } catch (error) {
    const warning = `orchestra-otel: exec and tail need --url: ${plainText((error as Error).message)}`;
    await write(stderr, `${warning}\n`).catch(() => {});
    return () => {};
  }
}

function greeting(url: string, token: string, isGenerated: boolean, now: number): string {
  const message = "hello";
  const event = createOrchestratorEvent("orchestra.job.created", {
    jobId: "job-1",
    workerId: "demo",
    revision: 0,
    startedAt: now,
    status: "running",
    message,
    messageLength: message.length,
  });
  return [
    `Listening on ${url}`,
    ...(isGenerated ? [`Token: ${token}`] : []),
    "",
    "Send the first event:",
    `  curl -X POST ${url}/v1/events -H 'Content-Type: application/json' \\`,
    `    -H 'Authorization: Bearer ${isGenerated ? token : "'\"$ORCHESTRA_TOKEN\"'"}' \\`,
    `    -d '${JSON.stringify(event)}'`,
    "",
    "Or run a command as a job: orchestra-otel exec --worker build -- make",
    "Watch what happens:        orchestra-otel tail",
    "",
  ].join("\n");
}
