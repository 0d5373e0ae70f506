// One feed in a process of its own, told by its parent what to publish.

import { setTimeout as wait } from "node:timers/promises";
import { answerParent } from "./child.ts";
import { type Feed, type FeedKind, timedEvent } from "./feed.ts";
import { startOurFeed } from "./our-feed.ts";
import { startBetterSseFeed, startRawFeed } from "./peer-feeds.ts";

export interface Publishing {
  /** Times that something is published. */
  ticks: number;
  /** Events published at once each time. */
  burst: number;
  intervalMs: number;
}

export interface ServerCommands {
  start(kind: FeedKind): Promise<number>;
  /** Begins a span of time whose CPU time and memory are told by `finish`. */
  begin(): void;
  publish(publishing: Publishing): Promise<void>;
  finish(): { cpuMicros: number; peakRss: number };
  /** After everything that can go has gone. */
  rss(): Promise<number>;
  slowClients(): number;
}

const MEMORY_INTERVAL_MS = 200;
const STARTS = { raw: startRawFeed, "better-sse": startBetterSseFeed, ours: startOurFeed };

let feed: Feed;
let cpu = process.cpuUsage();
let peakRss = 0;
let watching: NodeJS.Timeout;

answerParent<ServerCommands>({
  start: async (kind) => {
    feed = await STARTS[kind]();
    return feed.port;
  },
  begin: () => {
    globalThis.gc?.();
    peakRss = process.memoryUsage.rss();
    watching = setInterval(() => {
      peakRss = Math.max(peakRss, process.memoryUsage.rss());
    }, MEMORY_INTERVAL_MS);
    cpu = process.cpuUsage();
  },
  publish: ({ ticks, burst, intervalMs }) =>
    new Promise((resolve) => {
      const begun = performance.now();
      let done = 0;
      const timer = setInterval(() => {
        // A timer that comes late makes up for it, so that the rate holds.
        const due = Math.min(ticks, Math.floor((performance.now() - begun) / intervalMs) + 1);
        for (; done < due; done++) {
          for (let count = 0; count < burst; count++) feed.publish(timedEvent());
        }
        if (done < ticks) return;
        clearInterval(timer);
        resolve();
      }, intervalMs);
    }),
  finish: () => {
    const { user, system } = process.cpuUsage(cpu);
    clearInterval(watching);
    return { cpuMicros: user + system, peakRss };
  },
  rss: async () => {
    for (let turn = 0; turn < 3; turn++) {
      globalThis.gc?.();
      await wait(50);
    }
    return process.memoryUsage.rss();
  },
  slowClients: () => feed.slowClients?.() ?? 0,
});
