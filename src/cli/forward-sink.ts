import { setTimeout as delay } from "node:timers/promises";
import type { EventRecord } from "../event/event-log.ts";
import type { EventSink } from "../event/event-sink.ts";
import { withDeadline } from "./deadline.ts";
import type { BridgeTarget } from "./discovery.ts";
import { fetchFailure, refusalOf } from "./http-failure.ts";

export interface ForwardSinkOptions {
  target: Pick<BridgeTarget, "url" | "token">;
  /**
   * Events that may wait. Progress beyond it is dropped and counted; what opens or ends a job has as
   * much room again. Default: 5,000.
   */
  maxPending?: number | undefined;
  /** How long to wait before each further try, in milliseconds. Default: 100, then 300. */
  retryDelaysMs?: readonly number[] | undefined;
  /** How long `shutdown` and `forceFlush` go on trying, in milliseconds. Default: 1,500. */
  flushTimeoutMs?: number | undefined;
}

/** made = delivered + pending + dropped. */
interface ForwardStats {
  delivered: number;
  pending: number;
  dropped: { queue_full: number; unreachable: number; refused: number };
  /** Why events were dropped last. */
  lastError: string | undefined;
}

export interface ForwardSink extends EventSink {
  stats(): ForwardStats;
}

/** Events and characters sent in one request. */
const MAX_BATCH = 500;
const MAX_BATCH_LENGTH = 512 * 1024;
/** One request takes at most this long, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Sends events on to a bridge's `POST /v1/events`, in order, one request at a time: while one is under
 * way the next batch gathers. A bridge that cannot be reached costs its events, never the job.
 */
export function createForwardSink(options: ForwardSinkOptions): ForwardSink {
  return new BridgeForwardSink(options);
}

class BridgeForwardSink implements ForwardSink {
  readonly name = "forward";
  readonly #url: string;
  readonly #headers: Headers;
  readonly #maxPending: number;
  readonly #retryDelaysMs: readonly number[];
  readonly #flushTimeoutMs: number;
  readonly #closed = new AbortController();
  readonly #dropped = { queue_full: 0, unreachable: 0, refused: 0 };
  #pending: string[] = [];
  #inFlight = 0;
  #delivered = 0;
  #lastError: string | undefined;
  #sending: Promise<void> | undefined;
  #shutdown: Promise<void> | undefined;

  constructor({ target, ...options }: ForwardSinkOptions) {
    this.#url = `${target.url}/v1/events`;
    this.#headers = new Headers({ "content-type": "application/x-ndjson" });
    if (target.token !== undefined) this.#headers.set("authorization", `Bearer ${target.token}`);
    this.#maxPending = options.maxPending ?? 5_000;
    this.#retryDelaysMs = options.retryDelaysMs ?? [100, 300];
    this.#flushTimeoutMs = options.flushTimeoutMs ?? 1_500;
  }

  onEvent({ event, json }: EventRecord): void {
    if (this.#shutdown !== undefined) return;
    const room = event.type === "orchestra.job.progress" ? this.#maxPending : this.#maxPending * 2;
    if (this.#pending.length >= room) {
      this.#dropped.queue_full++;
      return;
    }
    this.#pending.push(json);
    this.#sending ??= this.#send();
  }

  stats(): ForwardStats {
    return {
      delivered: this.#delivered,
      pending: this.#pending.length + this.#inFlight,
      dropped: { ...this.#dropped },
      lastError: this.#lastError,
    };
  }

  forceFlush(): Promise<void> {
    return withDeadline(this.#sending, this.#flushTimeoutMs);
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.forceFlush().then(async () => {
      this.#closed.abort();
      await this.#sending;
    });
    return this.#shutdown;
  }

  /** Waits a turn first, so that what belongs together travels together. */
  async #send(): Promise<void> {
    await delay(0);
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      this.#inFlight = batch.length;
      const outcome = await this.#deliver(`${batch.join("\n")}\n`);
      this.#inFlight = 0;
      if (outcome === "delivered") this.#delivered += batch.length;
      else this.#dropped[outcome] += batch.length;
    }
    this.#sending = undefined;
  }

  #takeBatch(): string[] {
    let length = 0;
    const beyond = this.#pending.findIndex((json, index) => {
      length += json.length;
      return index === MAX_BATCH || (index > 0 && length > MAX_BATCH_LENGTH);
    });
    return this.#pending.splice(0, beyond === -1 ? this.#pending.length : beyond);
  }

  async #deliver(body: string): Promise<"delivered" | "unreachable" | "refused"> {
    for (const delayMs of [...this.#retryDelaysMs, undefined]) {
      const outcome = await this.#post(body);
      if (outcome !== "unreachable") return outcome;
      if (delayMs === undefined || this.#closed.signal.aborted) break;
      await delay(delayMs, undefined, { signal: this.#closed.signal }).catch(() => {});
    }
    return "unreachable";
  }

  async #post(body: string): Promise<"delivered" | "unreachable" | "refused"> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    try {
      const response = await fetch(this.#url, { method: "POST", headers: this.#headers, body, signal });
      if (response.ok) {
        await response.body?.cancel();
        return "delivered";
      }
      this.#lastError = await refusalOf(response);
      return response.status >= 500 || response.status === 429 ? "unreachable" : "refused";
    } catch (error) {
      this.#lastError = fetchFailure(error);
      return "unreachable";
    }
  }
}
