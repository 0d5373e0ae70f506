import { FeedClient, type FeedClientOptions } from "./feed-client.ts";

/** What the clients of a crowd have seen together. */
export interface Tally {
  clients: number;
  connected: number;
  events: number;
  holes: number;
  doubles: number;
  resyncs: number;
  /** Connections that ended in order, and those that were reset. */
  ended: number;
  reset: number;
  /** Answers that were no event stream. */
  oddHeads: number;
  /** The least of their positions. */
  position: number;
  /** Each pause that one of them was asked for, in milliseconds. */
  retries: number[];
  /** From each cut to the first frame after it, in milliseconds. */
  returnsMs: number[];
  /** How old events were when they came, in milliseconds; of those that are timed. */
  agesMs: number[];
}

/** So many connect at once: a server takes only so many before it has had a look at them. */
const AT_ONCE = 100;

/** Many who follow one feed. */
export class Crowd {
  readonly clients: FeedClient[] = [];

  /** Resolves when all of them are connected. @throws when one is not within a minute */
  async join(count: number, options: FeedClientOptions): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      const next = Array.from({ length: Math.min(left, AT_ONCE) }, () => new FeedClient(options));
      this.clients.push(...next);
      const joined = await Promise.all(next.map((client) => client.until(({ isConnected }) => isConnected)));
      if (joined.includes(false)) throw new Error("A client was not let in");
    }
  }

  wake(): void {
    for (const client of this.clients) client.wake();
  }

  /** Whether everybody has come to this place of the log. */
  isAt(sequence: number): boolean {
    return this.clients.every(({ position }) => position === sequence);
  }

  tally(): Tally {
    const { clients } = this;
    const sum = (of: (client: FeedClient) => number) => clients.reduce((sum, each) => sum + of(each), 0);
    return {
      clients: clients.length,
      connected: sum(({ isConnected }) => Number(isConnected)),
      events: sum(({ order }) => order.events),
      holes: sum(({ order }) => order.holes),
      doubles: sum(({ order }) => order.doubles),
      resyncs: sum(({ order }) => order.resyncs),
      ended: sum(({ cuts }) => cuts.ended),
      reset: sum(({ cuts }) => cuts.reset),
      oddHeads: sum(({ oddHeads }) => oddHeads.length),
      position: Math.min(...clients.map(({ position }) => position)),
      retries: clients.flatMap(({ retries }) => retries),
      returnsMs: clients.flatMap(({ returnsMs }) => returnsMs),
      agesMs: clients.flatMap(({ agesMs }) => agesMs),
    };
  }
}

/** As if they had been one crowd. */
export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, each) => {
    const entries = Object.entries(sum).map(([key, value]) => {
      const other = each[key as keyof Tally];
      return [key, typeof value === "number" ? value + (other as number) : value.concat(other as number[])];
    });
    return { ...Object.fromEntries(entries), position: Math.min(sum.position, each.position) } as Tally;
  });
}
