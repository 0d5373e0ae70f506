import { invalidArgument } from "../errors.ts";
import type { EventBlocks } from "./sqlite-blocks.ts";
import type { EventTable, Oldest, Position } from "./sqlite-events.ts";
import type { OpenJobs } from "./sqlite-open-jobs.ts";

/** What the file keeps. The first bound that is reached lets the oldest events go. */
export interface SqliteRetention {
  /** Milliseconds since the event was appended. Default: 7 days. */
  maxAgeMs?: number | undefined;
  /** Default: 1,000,000. */
  maxEvents?: number | undefined;
  /** Of events, with their share of the index; about. Default: 1 GiB. */
  maxBytes?: number | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Events removed at once: some milliseconds' worth. */
const MAX_REMOVED = 512;

export interface RetentionParts {
  events: EventTable;
  blocks: EventBlocks;
  jobs: OpenJobs;
}

/** Lets the oldest events go, a few at a time. */
export class Retention {
  readonly #events: EventTable;
  readonly #blocks: EventBlocks;
  readonly #jobs: OpenJobs;
  readonly #maxAgeMs: number;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  /** At most as old as it was when we last looked: others remove, too. */
  #oldest: Oldest | undefined;

  constructor({ events, blocks, jobs }: RetentionParts, options: SqliteRetention = {}) {
    this.#events = events;
    this.#blocks = blocks;
    this.#jobs = jobs;
    this.#maxAgeMs = requirePositive("retention.maxAgeMs", options.maxAgeMs ?? 7 * DAY_MS);
    this.#maxEvents = requirePositive("retention.maxEvents", options.maxEvents ?? 1_000_000);
    this.#maxBytes = requirePositive("retention.maxBytes", options.maxBytes ?? 1024 ** 3);
  }

  /** Whether there is something to remove, as far as can be known without looking into the file. */
  isDue(end: Position, now: number): boolean {
    const oldest = this.#oldest;
    if (oldest === undefined) return end.sequence > 0;
    // The newest stays, however old or large it is: it tells where the log ends.
    if (oldest.sequence === end.sequence) return false;
    return (
      end.ordinal - oldest.ordinal >= this.#maxEvents ||
      end.bytes - oldest.start > this.#maxBytes ||
      oldest.appendedAt < now - this.#maxAgeMs
    );
  }

  /** Removes what is past a bound, after `added` events were written; in a transaction. */
  apply(end: Position, now: number, added = 0): void {
    this.#oldest = this.#events.oldest();
    if (!this.isDue(end, now)) return;
    // Steady appending would else remove a handful each time, which costs more than many at once.
    const limit = Math.max(MAX_REMOVED, 2 * added);
    this.#events.evict(end.sequence, limit, {
      ordinal: end.ordinal - spared(this.#maxEvents, MAX_REMOVED / 2),
      start: end.bytes - spared(this.#maxBytes, Number.POSITIVE_INFINITY),
      appendedAt: now - spared(this.#maxAgeMs, Number.POSITIVE_INFINITY),
    });
    this.#oldest = this.#events.oldest();
    const oldest = this.#oldest?.sequence ?? 0;
    this.#blocks.evict(oldest);
    this.#jobs.evict(oldest, limit);
  }
}

/** A thousandth less than the bound, so that the next removal is a while off. */
function spared(bound: number, most: number): number {
  return bound - Math.min(Math.floor(bound / 1_000), most);
}

function requirePositive(name: string, value: number): number {
  if (typeof value !== "number" || !(value > 0)) throw invalidArgument(name, "a number above 0", value);
  return value;
}
