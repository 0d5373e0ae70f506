import type { EventRecord } from "../event/event-log.ts";
import type { LogReader } from "./sqlite-reader.ts";
import { FOREIGN_PAGE } from "./sqlite-writer.ts";

type Listener = (records: readonly EventRecord[]) => void;

/** Hands over what other writers of the file appended, once and in the order of the log. */
export class ForeignFeed {
  readonly #reader: LogReader;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<{ listener: Listener }>();
  #seen: number | undefined;

  constructor(reader: LogReader, onError: (error: unknown) => void) {
    this.#reader = reader;
    this.#onError = onError;
  }

  /** The last sequence that was handed over or our own; undefined while nobody watches. */
  get seen(): number | undefined {
    return this.#seen;
  }

  watch(listener: Listener): () => void {
    this.#seen ??= this.#reader.lastKnownEnd();
    const subscription = { listener };
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
      if (this.#listeners.size === 0) this.#seen = undefined;
    };
  }

  /** Everything up to `seen` is known: `records`, and what we wrote ourselves. */
  advance(records: readonly EventRecord[], seen: number): void {
    if (this.#seen === undefined) return;
    this.#seen = seen;
    if (records.length === 0) return;
    for (const { listener } of [...this.#listeners]) {
      try {
        listener(records);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  /** Looks for news, a page at a time; true when there may be more. */
  poll(): boolean {
    if (this.#seen === undefined) return false;
    const { records, position } = this.#reader.page(this.#seen, this.#reader.end(), FOREIGN_PAGE);
    this.advance(records, position);
    return records.length === FOREIGN_PAGE;
  }
}
