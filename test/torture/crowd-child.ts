import { Child } from "./child.ts";
import type { Tally } from "./crowd.ts";
import type { FeedClientOptions } from "./feed-client.ts";

export type CrowdRequest = { kind: "join"; count: number; options: FeedClientOptions } | { kind: "tally" };

export type CrowdReply = { kind: "ready" } | { kind: "joined" } | { kind: "tallied"; tally: Tally };

/** A crowd in a process of its own, which can be stopped, and may open as many sockets again. */
export class CrowdChild extends Child<CrowdRequest, CrowdReply> {
  constructor() {
    super("crowd-process.ts", {});
  }

  async join(count: number, options: FeedClientOptions): Promise<void> {
    await this.ask({ kind: "join", count, options }, "joined");
  }

  async tally(): Promise<Tally> {
    return (await this.ask({ kind: "tally" }, "tallied")).tally;
  }
}
