import { once } from "node:events";
import { connect } from "node:net";
import { hostOfAddress, isLoopback, reachableAddress, reachableUrl } from "./bridge/host-name.ts";
import type { Config } from "./config.ts";
import type { ErrorCode } from "./errors.ts";
import { parseCursor } from "./event/cursor.ts";
import type { EventLog } from "./event/event-log.ts";

/**
 * Who holds a port: `ours` serves the same log or, where a bridge of ours would ask for a token, asks for one;
 * `unknown` has not answered.
 */
export type Holder = "ours" | "stranger" | "unknown";

export interface HolderOptions {
  config: NonNullable<Config["bridge"]>;
  log: EventLog;
  /** How long the holder may take to answer, in milliseconds. Default: 1,000. */
  patienceMs?: number | undefined;
  /** Ends the asking at once. */
  signal?: AbortSignal | undefined;
}

const ANSWER_MS = 1_000;

/** Whether somebody takes connections there. @throws the signal's reason */
export async function isHeld({ config, signal }: HolderOptions): Promise<boolean> {
  const { host, port } = config;
  const socket = connect({ host: reachableAddress(host), port });
  try {
    await once(socket, "connect", { signal: anyOf(AbortSignal.timeout(ANSWER_MS), signal) });
    return true;
  } catch {
    signal?.throwIfAborted();
    return false;
  } finally {
    socket.destroy();
  }
}

/** Asks whoever holds the port. It is never shown the token, as it may be anybody. @throws the signal's reason */
export async function holderOf(options: HolderOptions): Promise<Holder> {
  const { config, log, patienceMs = ANSWER_MS, signal } = options;
  const { latest } = await log.bounds();
  const deadline = AbortSignal.timeout(patienceMs);
  try {
    const response = await fetch(`${reachableUrl(config)}/v1/status`, { signal: anyOf(deadline, signal) });
    if (isJson(response)) {
      const answer = (await response.json()) as Answer;
      return asksLikeUs(answer, config) || tellsEpochOf(latest, answer) ? "ours" : "stranger";
    }
    // It may be without end.
    await response.body?.cancel();
    return "stranger";
  } catch {
    signal?.throwIfAborted();
    return deadline.aborted ? "unknown" : "stranger";
  }
}

function isJson({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("application/json") ?? false;
}

/** Of the bridge's status, or of its error, if it is one. */
type Answer = { log?: { latest?: unknown }; error?: { code?: unknown } } | null;

function asksLikeUs(answer: Answer, { host }: HolderOptions["config"]): boolean {
  const isOpen = isLoopback(hostOfAddress(host));
  return !isOpen && answer?.error?.code === ("UNAUTHORIZED" satisfies ErrorCode);
}

function tellsEpochOf(latest: string, answer: Answer): boolean {
  const theirs = answer?.log?.latest;
  return typeof theirs === "string" && epochOf(theirs) === epochOf(latest);
}

function epochOf(cursor: string): string | undefined {
  return parseCursor(cursor)?.epoch;
}

function anyOf(deadline: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
}
