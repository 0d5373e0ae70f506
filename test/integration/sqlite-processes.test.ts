import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { OrphanedJob } from "../../src/event-log/sqlite-leases.ts";
import type { LogReply, LogRequest } from "../fixtures/log-process.ts";
import { idsOf, openTestLog, readAll, temporaryFolder } from "../fixtures/sqlite-logs.ts";

const SCRIPT = join(import.meta.dirname, "../fixtures/log-process.ts");

type Reply<K extends LogReply["kind"]> = Extract<LogReply, { kind: K }>;

/** A process that writes the log in `file`. */
class LogProcess {
  readonly acknowledged: { id: string; cursor: string }[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (reply: LogReply) => {
      if (reply.kind === "acknowledged") this.acknowledged.push(reply);
    });
  }

  static async start(file: string, instanceId: string): Promise<LogProcess> {
    const child = fork(SCRIPT, [file, instanceId], { execArgv: [] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const started = new LogProcess(child);
    await started.#reply("ready");
    return started;
  }

  async ask<K extends LogReply["kind"]>(request: LogRequest, kind: K): Promise<Reply<K>> {
    const reply = this.#reply(kind);
    this.#child.send(request);
    return reply;
  }

  /** Resolves once so many events are acknowledged. */
  async acknowledges(count: number): Promise<void> {
    while (this.acknowledged.length < count) await once(this.#child, "message");
  }

  async kill(): Promise<void> {
    const close = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await close;
  }

  #reply<K extends LogReply["kind"]>(kind: K): Promise<Reply<K>> {
    return new Promise((resolve) => {
      const onMessage = (reply: LogReply) => {
        if (reply.kind !== kind) return;
        this.#child.off("message", onMessage);
        resolve(reply as Reply<K>);
      };
      this.#child.on("message", onMessage);
    });
  }
}

describe("two processes that write one log at once", () => {
  it("both show every event once, in the order of the log", async () => {
    const file = join(temporaryFolder(), "events.db");
    const processes = await Promise.all(["a", "b"].map((id) => LogProcess.start(file, id)));
    const [rounds, count] = [15, 100];
    for (let round = 0; round < rounds; round++) {
      const prefixes = processes.map((_, index) => `${index}-${round}`);
      await Promise.all(
        processes.map((one, index) =>
          one.ask({ kind: "publish", prefix: prefixes[index] as string, count }, "published"),
        ),
      );
    }
    const total = 2 * rounds * count;
    const feeds = await Promise.all(
      processes.map((one) => one.ask({ kind: "shown", atLeast: total }, "shown")),
    );
    await Promise.all(processes.map((one) => one.ask({ kind: "close" }, "closed")));
    const { log } = await openTestLog({ file });
    const expected = readAll(log).map(({ event, cursor }) => ({ id: event.id, cursor }));
    expect(expected).toHaveLength(total);
    expect(new Set(expected.map(({ id }) => id)).size).toBe(total);
    for (const { events } of feeds) expect(events).toEqual(expected);
  });
});

describe("a process that is killed while it writes", () => {
  it("loses nothing that it had acknowledged, and the log goes on", async () => {
    const file = join(temporaryFolder(), "events.db");
    const acknowledged: { id: string; cursor: string }[] = [];
    for (let round = 0; round < 5; round++) {
      const writer = await LogProcess.start(file, `writer-${round}`);
      void writer.ask({ kind: "publish", prefix: `${round}`, count: 1_000_000 }, "published");
      await writer.acknowledges(200 + round * 61);
      await writer.kill();
      acknowledged.push(...writer.acknowledged);
    }
    const { log } = await openTestLog({ file });
    const held = readAll(log);
    expect(log.stats()).toMatchObject({ degraded: false, events: held.length });
    const cursors = new Map(held.map(({ event, cursor }) => [event.id, cursor]));
    expect(cursors.size).toBe(held.length);
    expect(acknowledged.filter(({ id, cursor }) => cursors.get(id) !== cursor)).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(5 * 200);
    for (let round = 0; round < 5; round++) {
      const ofRound = idsOf(held).filter((id) => id.startsWith(`${round}-`));
      expect(ofRound).toEqual(ofRound.map((_, index) => `${round}-${index}`));
    }
  });

  it("leaves its open jobs to exactly one of those that live", async () => {
    const file = join(temporaryFolder(), "events.db");
    const victims = await Promise.all(["v1", "v2", "v3"].map((id) => LogProcess.start(file, id)));
    const survivors = await Promise.all(["s1", "s2"].map((id) => LogProcess.start(file, id)));
    for (const [index, one] of [...victims, ...survivors].entries()) {
      for (const job of [0, 1, 2]) await one.ask({ kind: "job", jobId: `${index}-${job}` }, "opened");
    }
    const early = await Promise.all(survivors.map((one) => one.ask({ kind: "claim" }, "claimed")));
    expect(early.flatMap(({ jobs }) => jobs)).toEqual([]);
    await Promise.all(victims.map((one) => one.kill()));
    const claim = async () => {
      const claims = await Promise.all(survivors.map((one) => one.ask({ kind: "claim" }, "claimed")));
      return claims.flatMap(({ jobs }) => jobs);
    };
    expect(await claim()).toEqual([]);
    const jobs = await claim();
    expect(jobs.map(({ jobId }) => jobId).sort()).toEqual(
      [0, 1, 2].flatMap((victim) => [0, 1, 2].map((job) => `${victim}-${job}`)),
    );
    expect(await claim()).toEqual([]);
    const { log } = await openTestLog({ file });
    const firstOf = ({ jobId, after }: OrphanedJob) =>
      log.read({ after, filter: { jobIds: [jobId] } }).records[0];
    expect(new Set(jobs.map((job) => firstOf(job)?.event.type))).toEqual(new Set(["orchestra.job.created"]));
  });

  it("leaves them to the process that starts in its place, with others about", async () => {
    const file = join(temporaryFolder(), "events.db");
    const [victim, sibling] = await Promise.all(["v", "s"].map((id) => LogProcess.start(file, id)));
    await victim?.ask({ kind: "job", jobId: "handed-over" }, "opened");
    const claim = async (one: LogProcess | undefined) => (await one?.ask({ kind: "claim" }, "claimed"))?.jobs;
    expect(await claim(sibling)).toEqual([]);
    await victim?.kill();
    expect(await claim(sibling)).toEqual([]);
    const successor = await LogProcess.start(file, "v");
    expect(await claim(successor)).toMatchObject([{ jobId: "handed-over" }]);
    expect(await claim(sibling)).toEqual([]);
  });
});

describe("two processes of one `service.instance.id`", () => {
  it("keep their own jobs when one of them leaves, and when it is killed", async () => {
    const file = join(temporaryFolder(), "events.db");
    const [stays, leaves, dies] = await Promise.all(
      ["same", "same", "same"].map((id) => LogProcess.start(file, id)),
    );
    await stays?.ask({ kind: "job", jobId: "live" }, "opened");
    await leaves?.ask({ kind: "job", jobId: "left" }, "opened");
    await dies?.ask({ kind: "job", jobId: "cut short" }, "opened");
    await leaves?.ask({ kind: "close" }, "closed");
    await dies?.kill();
    const successor = await LogProcess.start(file, "same");
    const { jobs } = await successor.ask({ kind: "claim" }, "claimed");
    expect(jobs.map(({ jobId }) => jobId).sort()).toEqual(["cut short", "left"]);
  });
});
