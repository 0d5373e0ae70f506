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
  /**
   * How long `forceFlush` and `shutdown` wait in milliseconds, all of them together until something is
   * delivered. Default: 1,500.
   */
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

interface Answer {
  outcome: "delivered" | "unreachable" | "refused";
  /** The only line that was refused, counted from 1; the others were not looked at. */
  line?: number | undefined;
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
  /** When flushing ends, in milliseconds on the monotonic clock. */
  #patienceEnds: number | undefined;
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
    this.#sending ??= this.#sendAll();
  }

  stats(): ForwardStats {
    return {
      delivered: this.#delivered,
      pending: this.#pending.length + this.#inFlight,
      dropped: { ...this.#dropped },
      lastError: this.#lastError,
    };
  }

  async forceFlush(): Promise<void> {
    if (this.#sending === undefined) return;
    const now = performance.now();
    this.#patienceEnds ??= now + this.#flushTimeoutMs;
    await withDeadline(this.#sending, Math.max(0, this.#patienceEnds - now));
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.forceFlush().then(async () => {
      this.#closed.abort();
      await this.#sending;
    });
    return this.#shutdown;
  }

  /** Waits a turn first, so that what belongs together travels together. */
  async #sendAll(): Promise<void> {
    await delay(0);
    while (this.#pending.length > 0) {
      await this.#deliver(this.#takeBatch());
    }
    this.#sending = undefined;
    this.#patienceEnds = undefined;
  }

  /** A request is taken whole or not at all, so one line that is refused must not cost the others. */
  async #deliver(batch: string[]): Promise<void> {
    while (batch.length > 0) {
      this.#inFlight = batch.length;
      const { outcome, line } = await this.#send(batch);
      const settled = line === undefined ? batch.splice(0) : batch.splice(line - 1, 1);
      if (outcome === "delivered") {
        this.#delivered += settled.length;
        this.#patienceEnds = undefined;
      } else {
        this.#dropped[outcome] += settled.length;
      }
    }
    this.#inFlight = 0;
  }

  #takeBatch(): string[] {
    let length = 0;
    const beyond = this.#pending.findIndex((json, index) => {
      length += json.length;
      return index === MAX_BATCH || (index > 0 && length > MAX_BATCH_LENGTH);
    });
    return this.#pending.splice(0, beyond === -1 ? this.#pending.length : beyond);
  }

  async #send(batch: readonly string[]): Promise<Answer> {
    const body = `${batch.join("\n")}\n`;
    for (const delayMs of [...this.#retryDelaysMs, undefined]) {
      const answer = await this.#post(body, batch.length);
      if (answer.outcome !== "unreachable") return answer;
      if (delayMs === undefined || this.#closed.signal.aborted) break;
      await delay(delayMs, undefined, { signal: this.#closed.signal }).catch(() => {});
    }
    return { outcome: "unreachable" };
  }

  async #post(body: string, lines: number): Promise<Answer> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    try {
      const response = await fetch(this.#url, { method: "POST", headers: this.#headers, body, signal });
      if (response.ok) {
        await response.body?.cancel();
        return { outcome: "delivered" };
      }
      const { message, line } = await refusalOf(response);
      this.#lastError = message;
      if (response.status >= 500 || response.status === 429) return { outcome: "unreachable" };
      return { outcome: "refused", line: isLineOf(lines, line) ? line : undefined };
    } catch (error) {
      this.#lastError = fetchFailure(error);
      return { outcome: "unreachable" };
    }
  }
}

function isLineOf(lines: number, line: unknown): line is number {
  return Number.isInteger(line) && (line as number) >= 1 && (line as number) <= lines;
}
