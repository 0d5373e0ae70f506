import { createHash } from "node:crypto";
import type { EventSourceMessage } from "eventsource-parser";
import { FeedFollower, type FeedFollowerOptions } from "./feed-follower.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface SeenEvent {
  cursor: string;
  /** Of its JSON. */
  digest: string;
}

export interface FeedReaderOptions extends Pick<FeedFollowerOptions, "url" | "query"> {
  /** Leaves in the middle every now and then, when it is given. */
  restless?: SeededRandom | undefined;
}

export function digestOf(json: string): string {
  return createHash("sha1").update(json).digest("base64");
}

/** Notes all that the feed tells, over as many connections as it takes. */
export class FeedReader {
  readonly query: Readonly<Record<string, string>>;
  /** In their order of arrival, over all connections. */
  readonly events: SeenEvent[] = [];
  readonly createdJobs = new Set<string>();
  /** Frames that told it to start over, and how many events had come before. */
  readonly resyncs: { reason: string; at: number }[] = [];
  readonly #follower: FeedFollower;

  constructor({ url, query = {}, restless }: FeedReaderOptions) {
    this.query = query;
    this.#follower = new FeedFollower({
      url,
      query,
      stayMs: restless && (() => restless.between(50, 1_500)),
      onEvent: (message) => this.#take(message),
    });
  }

  get connections(): number {
    return this.#follower.connections;
  }

  /** The cursor of the last event. */
  get position(): string | undefined {
    return this.events.at(-1)?.cursor;
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
  }

  #take({ id, event: type, data }: EventSourceMessage): void {
    // Sent to who comes while the bridge closes: nothing is missed by it.
    if (type === "orchestra.stream.later") return;
    if (id === undefined) {
      this.resyncs.push({ reason: String(JSON.parse(data).reason), at: this.events.length });
      return;
    }
    this.events.push({ cursor: id, digest: digestOf(data) });
    if (type === "orchestra.job.created") this.createdJobs.add(JSON.parse(data).data.jobId);
  }
}
