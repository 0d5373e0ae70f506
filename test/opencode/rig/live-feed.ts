import { type Connection, connect, type FeedEvent } from "../../../src/client/index.ts";

/** Far beyond any test, so that only the pauses between two tries are cut short. */
const NEVER_MS = 3_600_000;
const RETRY_MS = 100;

const ENDS = new Set(["orchestra.job.completed", "orchestra.job.failed", "orchestra.job.canceled"]);

/** The plugin's feed as somebody sees it who was there all the time. */
export class LiveFeed {
  readonly events: FeedEvent[] = [];
  /** Connections that were made. */
  opened = 0;
  readonly #watchers = new Set<() => void>();
  readonly #connection: Connection;

  constructor(url: string) {
    this.#connection = connect({
      url,
      from: "oldest",
      silenceMs: NEVER_MS,
      schedule: (callback, delayMs) => {
        const timer = setTimeout(callback, delayMs === NEVER_MS ? delayMs : Math.min(delayMs, RETRY_MS));
        return () => clearTimeout(timer);
      },
      onEvent: (event) => {
        this.events.push(event);
        this.#notify();
      },
      onState: ({ state }) => {
        if (state === "open") this.opened++;
        this.#notify();
      },
    });
  }

  /** Resolves as soon as `condition` holds, looked at with each event and each change of the connection. */
  async until(condition: (feed: LiveFeed) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (condition(this)) resolve();
    };
    this.#watchers.add(look);
    look();
    await promise;
    this.#watchers.delete(look);
  }

  /** Resolves when so many jobs have begun. */
  async created(jobs: number): Promise<void> {
    await this.#counts(jobs, ({ type }) => type === "orchestra.job.created");
  }

  /** Resolves when so many jobs have ended. */
  async ended(jobs: number): Promise<void> {
    await this.#counts(jobs, ({ type }) => ENDS.has(type));
  }

  close(): void {
    this.#connection.close();
  }

  async #counts(jobs: number, fits: (event: FeedEvent) => boolean): Promise<void> {
    await this.until(({ events }) => events.filter(fits).length >= jobs);
  }

  #notify(): void {
    for (const look of this.#watchers) look();
  }
}
