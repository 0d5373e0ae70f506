import { once } from "node:events";
import { connect } from "node:net";
import { hostOfAddress, isLoopback, reachableAddress, reachableUrl } from "./bridge/host-name.ts";
import type { Config } from "./config.ts";
import { ERROR_CODES, type ErrorCode, reasonOf } from "./errors.ts";
import { parseCursor } from "./event/cursor.ts";
import type { EventLog } from "./event/event-log.ts";

/**
 * Who holds a port: `ours` serves the same log or, where a bridge of ours would ask for a token, asks for one;
 * `unknown` may be ours and has not shown it: it is a program `why`.
 */
export type Holder = { is: "ours" | "stranger" } | { is: "unknown"; why: string };

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
  const { config, patienceMs = ANSWER_MS, signal } = options;
  const deadline = AbortSignal.timeout(patienceMs);
  try {
    const response = await fetch(`${reachableUrl(config)}/v1/status`, { signal: anyOf(deadline, signal) });
    if (isJson(response)) return await holderWhoTells((await response.json()) as Answer, options);
    // It may be without end.
    await response.body?.cancel();
    return { is: "stranger" };
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.aborted) return { is: "unknown", why: "that does not answer" };
    const fault = certificateFaultOf(error);
    if (fault === undefined) return { is: "stranger" };
    return { is: "unknown", why: `whose certificate cannot be verified (${fault})` };
  }
}

function isJson({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("application/json") ?? false;
}

/** Of the bridge's status, or of its error, if it is one. */
type Answer = {
  log?: { latest?: unknown; error?: unknown } | null;
  error?: { code?: unknown } | null;
} | null;

async function holderWhoTells(answer: Answer, { config, log }: HolderOptions): Promise<Holder> {
  const code = answer?.error?.code;
  if (isErrorCode(code)) return holderWhoRefuses(code, config);
  const { latest, error } = answer?.log ?? {};
  if (typeof error === "string") return { is: "unknown", why: `that cannot read its log (${error})` };
  const theirs = typeof latest === "string" ? epochOf(latest) : undefined;
  if (theirs === undefined) return { is: "stranger" };
  try {
    const own = await log.bounds();
    return { is: theirs === epochOf(own.latest) ? "ours" : "stranger" };
  } catch (error) {
    return {
      is: "unknown",
      why: `that may be one of ours, as our log cannot be read (${reasonOf(error)})`,
    };
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_CODES, code);
}

function holderWhoRefuses(code: ErrorCode, { host }: HolderOptions["config"]): Holder {
  // On loopback ours asks nobody who reads for a token.
  if (code === "UNAUTHORIZED") return { is: isLoopback(hostOfAddress(host)) ? "stranger" : "ours" };
  // Many programs call it that, and ours has this page.
  if (code === "NOT_FOUND") return { is: "stranger" };
  return { is: "unknown", why: `that answers ${code}` };
}

/** Names of what OpenSSL and Node find wrong with a certificate; those of TLS itself begin with ERR_SSL. */
const CERTIFICATE_FAULT = /^(?!ERR_SSL_)(?:.*CERT|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH)/;

function certificateFaultOf(error: unknown): string | undefined {
  // Node's `fetch` tells it as a cause, Bun's does not.
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code].find(
    (name): name is string => typeof name === "string" && CERTIFICATE_FAULT.test(name),
  );
}

function epochOf(cursor: string): string | undefined {
  return parseCursor(cursor)?.epoch;
}

function anyOf(deadline: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
}
