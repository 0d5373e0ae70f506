import { OLDEST } from "../event/cursor.ts";
import type { Cursor } from "../event/event-log.ts";
import { Attempt } from "./attempt.ts";
import { Backoff } from "./backoff.ts";
import { get } from "./bridge-request.ts";
import { FeedError } from "./feed-error.ts";
import type { FeedEvent } from "./feed-event.ts";
import type { ConnectionState, FeedItem, Gap } from "./feed-item.ts";
import type { FeedOptions } from "./feed-options.ts";
import { type Frame, framesOf } from "./frames.ts";
import { RecentIds } from "./recent-ids.ts";
import { byTimeout, pause, type Schedule } from "./schedule.ts";
import { readSnapshot } from "./snapshot.ts";

export interface FeedReaderOptions extends FeedOptions {
  /** Begin with a snapshot when there is no `from`, and take a new one after each gap. */
  withSnapshots: boolean;
  /** Ends the feed, without an error. */
  signal: AbortSignal;
}

/** As in `exporters/sse-frame.ts`; a test holds them together. */
export const RESYNC_EVENT = "orchestra.stream.resync";
export const LATER_EVENT = "orchestra.stream.later";
const STREAM_EVENTS = "orchestra.stream.";
const NOW = "now";
const MAX_SILENCE_MS = 45_000;

/** Reads a bridge's feed for ever, at the pace at which its items are taken. */
export class FeedReader {
  readonly #options: FeedReaderOptions;
  readonly #schedule: Schedule;
  readonly #backoff: Backoff;
  readonly #recent = new RecentIds();
  #told = new Map<string, number>();
  /** Where to go on; undefined for now. */
  #place: Cursor | undefined;
  #wantsSnapshot: boolean;

  constructor(options: FeedReaderOptions) {
    const { from, withSnapshots, random = Math.random, schedule = byTimeout } = options;
    this.#options = options;
    this.#schedule = schedule;
    this.#backoff = new Backoff(random);
    this.#place = from === NOW ? undefined : from;
    this.#wantsSnapshot = withSnapshots && from === undefined;
  }

  /** @throws FeedError when the bridge refuses for good */
  async *items(): AsyncGenerator<FeedItem, void, void> {
    const { signal, silenceMs = MAX_SILENCE_MS } = this.#options;
    while (!signal.aborted) {
      const attempt = new Attempt({ signal, silenceMs, schedule: this.#schedule });
      let error = new Error("The bridge ended the connection");
      try {
        yield stateItem({ state: "connecting" });
        yield* this.#read(attempt);
      } catch (cause) {
        if (cause instanceof FeedError) {
          if (cause.isFinal) throw cause;
          this.#backoff.asked(cause.retryAfterMs);
        }
        error = cause as Error;
      } finally {
        attempt.end();
      }
      const retryInMs = this.#backoff.next();
      yield stateItem({ state: "waiting", error, retryInMs });
      await pause(retryInMs, signal, this.#schedule);
    }
  }

  async *#read(attempt: Attempt): AsyncGenerator<FeedItem, void, void> {
    if (this.#wantsSnapshot) {
      const { snapshot, told } = await readSnapshot(this.#options, attempt);
      const { cursor } = snapshot;
      this.#wantsSnapshot = false;
      this.#place = cursor;
      this.#told = told;
      yield { kind: "snapshot", snapshot, cursor };
    }
    const response = await get("/v1/events", this.#query(), this.#options, attempt);
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("text/event-stream") || response.body === null) {
      throw new Error(`Expected an event stream, got \`${type}\``);
    }
    this.#backoff.answered();
    yield stateItem({ state: "open" });
    for await (const frame of framesOf(response.body, attempt)) {
      yield* this.#itemsOf(frame);
      if (this.#wantsSnapshot) throw new Error("The feed cannot go on where it was");
    }
  }

  #query(): URLSearchParams {
    const { types, workerIds, sessionIds, jobIds } = this.#options.filters ?? {};
    const choices = { type: types, workerId: workerIds, sessionId: sessionIds, jobId: jobIds };
    const query = new URLSearchParams(this.#place === undefined ? {} : { after: this.#place });
    for (const [name, values] of Object.entries(choices)) {
      for (const value of values ?? []) query.append(name, value);
    }
    return query;
  }

  *#itemsOf(frame: Frame): Generator<FeedItem, void, void> {
    if ("retry" in frame) this.#backoff.asked(frame.retry);
    else if ("isOversized" in frame) yield this.#gap({ reason: "oversized" }, this.#place);
    else if ("event" in frame && frame.event?.startsWith(STREAM_EVENTS)) yield* this.#notice(frame);
    else yield* this.#itemOf(frame);
  }

  /** What the bridge tells of the stream itself; what is not known is of no account. */
  *#notice({ event, data }: { event?: string | undefined; data: string }): Generator<FeedItem, void, void> {
    const notice: Partial<Gap> = parse(data) ?? {};
    if (event === RESYNC_EVENT) yield this.#gap(notice, OLDEST);
    if (event === LATER_EVENT) throw new Error(`The bridge has no room now: ${notice.reason}`);
  }

  *#itemOf({ id, data }: { id?: string | undefined; data?: string | undefined }): Generator<FeedItem> {
    this.#backoff.succeeded();
    this.#place = id ?? this.#place;
    const cursor = this.#place;
    const event = data === undefined ? undefined : eventOf(data);
    if (data === undefined) yield { kind: "place", cursor };
    else if (event === undefined) {
      yield { kind: "error", error: new Error(`Not an event: ${data.slice(0, 200)}`), cursor };
    } else if (this.#isNews(event)) yield { kind: "event", event, cursor };
  }

  /** `place` is where to go on if no snapshot tells. */
  #gap(gap: Partial<Gap>, place: Cursor | undefined): FeedItem {
    const { withSnapshots } = this.#options;
    const { reason = "malformed", requested = this.#place ?? null, oldest = null, latest = null } = gap;
    this.#wantsSnapshot = withSnapshots;
    this.#place = place;
    const cursor = withSnapshots ? undefined : place;
    return { kind: "gap", gap: { reason, requested, oldest, latest }, cursor };
  }

  #isNews(event: FeedEvent): boolean {
    if (!this.#recent.add(event.id)) return false;
    const { jobId, revision } = event.data as { jobId?: string; revision?: number };
    // A job of a later page began before the first one: it begins anew.
    if (revision === 0) this.#told.delete(jobId as string);
    const told = this.#told.get(jobId as string);
    return told === undefined || revision === undefined || revision > told;
  }
}

function stateItem(state: ConnectionState): FeedItem {
  return { kind: "state", state };
}

function eventOf(data: string): FeedEvent | undefined {
  const event = parse(data) as FeedEvent | undefined;
  const isEnvelope = typeof event?.id === "string" && typeof event.type === "string";
  return isEnvelope && typeof event.data === "object" && event.data !== null ? event : undefined;
}

function parse(data: string): object | undefined {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
