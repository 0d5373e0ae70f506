import { setTimeout as delay } from "node:timers/promises";
import type { SseStats } from "../../exporters/sse.ts";
import { Child } from "./child.ts";

export interface FeedServerTask {
  /** Default: events are kept in memory. */
  dataFile?: string | undefined;
  /** Events that memory keeps. */
  logCapacity?: number | undefined;
  /** Whether memory answers late, as a log on another machine does. Default: false. */
  isSlow?: boolean | undefined;
  /** Of its bridge. Default: it has none, and only publishes. */
  port?: number | undefined;
  /** Of its feed at once. */
  maxClients?: number | undefined;
}

export interface Load {
  /** Events a second. One in `RARE_EACH` is a short one of the worker `rare`, the others are of `busy`. */
  rate: number;
  /** Characters of each text of `busy`. */
  length: number;
}

export const RARE_EACH = 500;

export type FeedServerRequest =
  | ({ kind: "publish" } & Load)
  /** So many events at once. */
  | { kind: "burst"; count: number; length: number }
  | { kind: "pause" }
  | { kind: "memory" }
  | { kind: "measure" };

/** What a process holds, after a garbage collection. */
export interface Holdings {
  heapBytes: number;
  /** Open files and sockets. */
  descriptors: number;
  /** Objects by class, of those that a connection costs. */
  objects: Record<string, number>;
  /** What keeps its event loop alive, by kind. */
  resources: Record<string, number>;
  /** Of the whole process. */
  listeners: number;
  sse: SseStats | undefined;
}

export type FeedServerReply =
  | { kind: "ready"; url: string }
  /** All that was published is in the log. */
  | { kind: "paused"; made: number }
  /** After a garbage collection. */
  | { kind: "remembered"; rssBytes: number }
  | { kind: "measured"; holdings: Holdings };

/** A process that publishes, and shows it at its bridge. */
export class FeedServer extends Child<FeedServerRequest, FeedServerReply> {
  readonly port: number;

  constructor(task: FeedServerTask) {
    super("feed-server-process.ts", task, ["--expose-gc"]);
    this.port = task.port ?? 0;
  }

  publish(load: Load): void {
    this.send({ kind: "publish", ...load });
  }

  burst(count: number, length: number): void {
    this.send({ kind: "burst", count, length });
  }

  /** How many events it has published. */
  async pause(): Promise<number> {
    return (await this.ask({ kind: "pause" }, "paused")).made;
  }

  async holdings(): Promise<Holdings> {
    return (await this.ask({ kind: "measure" }, "measured")).holdings;
  }

  /** The most memory in use within so many seconds: how much garbage lies about is the engine's business. */
  async mostBytes(seconds: number): Promise<number> {
    let most = 0;
    for (let second = 0; second < seconds; second++) {
      await delay(1_000);
      const { rssBytes } = await this.ask({ kind: "memory" }, "remembered");
      most = Math.max(most, rssBytes);
    }
    return most;
  }

  /** As anybody can ask. */
  async status(): Promise<{ sse: SseStats; latest: number }> {
    const response = await fetch(`http://127.0.0.1:${this.port}/v1/status`, {
      headers: { connection: "close" },
    });
    const { sse, log } = (await response.json()) as { sse: SseStats; log: { latest: string } };
    return { sse, latest: Number(log.latest.slice(log.latest.lastIndexOf("-") + 1)) };
  }
}
