import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Connection, type ConnectOptions, connect, type Gap } from "../../src/client/index.ts";
import type { Schedule } from "../../src/client/schedule.ts";
import { createOrchestratorEvent, type OrchestratorEvent } from "../../src/event/event.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { startTestBridge, type TestBridge, type TestBridgeOptions, TOKEN } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { temporaryFolder } from "../fixtures/sqlite-logs.ts";
import { range } from "../fixtures/sse-feed.ts";

/** The pauses that a server asks for, made short. */
const hasty: Schedule = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs >= 45_000 ? delayMs : Math.min(delayMs, 20));
  return () => clearTimeout(timer);
};

async function start(options?: TestBridgeOptions): Promise<TestBridge> {
  const test = await startTestBridge(options);
  onTestFinished(() => test.close());
  return test;
}

/** A client that notes what it is told, and tells when a condition holds. */
function follow(url: string, options: Partial<ConnectOptions> = {}) {
  const told: string[] = [];
  const looks = new Set<() => void>();
  const tell = (text: string) => {
    told.push(text);
    for (const look of looks) look();
  };
  const connection = connect({
    url,
    schedule: hasty,
    onEvent: (event) => tell(messageOf(event as OrchestratorEvent)),
    onGap: ({ reason }) => tell(`gap ${reason}`),
    onError: (error) => tell(`error ${error}`),
    onState: ({ state }) => tell(`(${state})`),
    ...options,
  });
  onTestFinished(() => connection.close());
  const until = (condition: (told: readonly string[]) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!condition(told)) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      look();
    });
  const events = () => told.filter((text) => !text.startsWith("("));
  return { connection, told, events, until };
}

function messageOf({ data }: OrchestratorEvent): string {
  return (data as { message: string }).message;
}

function numbered(n: number | string): OrchestratorEvent {
  return createOrchestratorEvent("orchestra.error", { message: String(n) });
}

async function publish({ publisher }: TestBridge, from: number, to: number): Promise<void> {
  for (const n of range(from, to)) publisher.publish(numbered(n));
  await publisher.flush();
}

const opened = (told: readonly string[]) => told.includes("(open)");
const last = (text: string) => (told: readonly string[]) => told.at(-1) === text;

describe("a client of a bridge", () => {
  it("is told of the jobs, and then of what becomes of them", async () => {
    const test = await start();
    test.publisher.publish(jobEvent("orchestra.job.created", "a", { message: "before" }));
    test.publisher.publish(jobEvent("orchestra.job.created", "b"));
    await test.publisher.flush();
    const jobs: string[] = [];
    const { told, until } = follow(test.url, {
      onSnapshot: (snapshot) => {
        jobs.push(...snapshot.jobs.map(({ jobId }) => jobId));
        // Between the snapshot and the feed.
        test.publisher.publish(jobEvent("orchestra.job.progress", "a", { message: "meanwhile" }));
      },
    });
    await until((told) => told.includes("meanwhile"));
    test.publisher.publish(jobEvent("orchestra.job.progress", "b", { message: "after" }));
    await until(last("after"));
    expect(jobs).toEqual(["b", "a"]);
    expect(told).toEqual(["(connecting)", "(open)", "meanwhile", "after"]);
  });

  it("reads lists of many pages", async () => {
    const test = await start();
    for (const n of range(1, 2_500)) test.publisher.publish(jobEvent("orchestra.job.created", n));
    await test.publisher.flush();
    const jobs = new Set<string>();
    const { until } = follow(test.url, {
      onSnapshot: (snapshot) => {
        for (const { jobId } of snapshot.jobs) jobs.add(jobId);
      },
    });
    await until(opened);
    expect(jobs).toEqual(new Set(range(1, 2_500)));
  });

  it("gets what it filters for", async () => {
    const test = await start();
    const { until, events } = follow(test.url, { filters: { types: ["orchestra.job.*"], jobIds: ["b"] } });
    await until(opened);
    await publish(test, 1, 3);
    for (const id of ["a", "b", "c"]) {
      test.publisher.publish(jobEvent("orchestra.job.progress", id, { message: id }));
    }
    await until(last("b"));
    expect(events()).toEqual(["b"]);
  });

  it("is refused without the token where one is needed, and let in with it", async () => {
    const test = await start({ allowedHosts: ["bridge.example"] });
    const fetchAs: typeof fetch = (url, init) =>
      fetch(url, { ...init, headers: { ...(init?.headers as object), "x-forwarded-for": "192.0.2.1" } });
    const { connection } = follow(test.url, { fetch: fetchAs });
    expect(await connection.closed).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    const admitted = follow(test.url, { fetch: fetchAs, token: TOKEN });
    await admitted.until(opened);
  });

  it("is refused with what is wrong in its filter", async () => {
    const test = await start();
    const { connection } = follow(test.url, { filters: { types: ["orchestra.bogus"] } });
    const error = await connection.closed;
    expect(error).toMatchObject({ status: 400, code: "INVALID_ARGUMENT" });
    expect(error?.message).toContain("orchestra.bogus");
  });

  it("leaves when it is closed", async () => {
    const test = await start();
    const { connection, until } = follow(test.url);
    await until(opened);
    expect(test.hub.stats().clients).toBe(1);
    connection.close();
    await expect.poll(() => test.hub.stats().clients).toBe(0);
  });
});

describe("a client whose connections are cut", () => {
  it("misses nothing and sees nothing twice, wherever they are cut", async () => {
    const test = await start();
    const proxy = await startCuttingProxy(test.port);
    proxy.cut({ afterBytes: 1_777 });
    const { until, events } = follow(proxy.url, { from: "oldest" });
    for (let n = 1; n <= 300; n += 10) {
      await publish(test, n, n + 9);
      await until((told) => told.at(-1) !== "(waiting)");
    }
    await until((told) => told.includes("250"));
    proxy.cut();
    await until((told) => told.includes("300"));
    expect(events()).toEqual(range(1, 300));
    expect(proxy.connections).toBeGreaterThan(20);
  });

  it("is told of what it missed when that is gone, and of the jobs as they are then", async () => {
    const test = await start({ log: createMemoryEventLog({ epoch: "e", capacity: 5 }) });
    const proxy = await startCuttingProxy(test.port);
    const gaps: Gap[] = [];
    const client = follow(proxy.url, {
      from: "oldest",
      onGap: (gap) => gaps.push(gap),
      onSnapshot: ({ cursor }) => client.told.push(`snapshot ${cursor}`),
    });
    await client.until(opened);
    await publish(test, 1, 3);
    await client.until(last("3"));
    proxy.block(true);
    await client.until(last("(waiting)"));
    await publish(test, 4, 20);
    proxy.block(false);
    await client.until((told) => told.includes("snapshot e-20") && told.at(-1) === "(open)");
    await publish(test, 21, 21);
    await client.until(last("21"));
    expect(gaps).toEqual([{ reason: "evicted", requested: "e-3", oldest: "e-16", latest: "e-20" }]);
    expect(client.events()).toEqual(["1", "2", "3", "snapshot e-20", "21"]);
  });

  it("without a snapshot goes on with what is left", async () => {
    const test = await start({ log: createMemoryEventLog({ epoch: "e", capacity: 5 }) });
    await publish(test, 1, 20);
    const { until, events } = follow(test.url, { from: "e-3" });
    await until(last("20"));
    expect(events()).toEqual(["gap evicted", ...range(16, 20)]);
  });
});

describe("a client of a bridge that is started anew", () => {
  const run = async (dataFile: string, port: number) =>
    startTelemetry({
      env: {},
      dataFile,
      bridge: { port },
      traces: false,
      registry: new WorkerJobRegistry(),
    });

  it("over the same data file misses nothing and sees nothing twice", async () => {
    const dataFile = join(temporaryFolder(), "orchestra.db");
    let telemetry = await run(dataFile, 0);
    onTestFinished(() => telemetry.shutdown());
    const port = Number(new URL(telemetry.url as string).port);
    const { until, events } = follow(telemetry.url as string);
    await until(opened);
    let n = 0;
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 50; count++) telemetry.publish(numbered(++n));
      // What it has not seen by now it gets from the next one.
      await telemetry.shutdown();
      telemetry = await run(dataFile, port);
      telemetry.publish(numbered(++n));
    }
    await until((told) => told.includes(String(n)));
    expect(events()).toEqual(range(1, n));
  });

  it("without one is told that the history is another one", async () => {
    const first = await startTestBridge({ log: createMemoryEventLog({ epoch: "e" }) });
    const { until, events } = follow(first.url);
    await until(opened);
    await publish(first, 1, 2);
    await until(last("2"));
    await first.close();
    const second = await start({ log: createMemoryEventLog({ epoch: "f" }), port: first.port });
    await publish(second, 3, 3);
    await until(last("3"));
    expect(events()).toEqual(["1", "2", "gap epoch", "3"]);
  });
});

describe("a loop that is slower than the feed", () => {
  it("holds the bridge up instead of filling the memory, and still gets every event", async () => {
    const test = await start({ sse: { maxStallMs: 500 } });
    const padding = "x".repeat(20_000);
    const count = 1_000;
    const connection = connect({ url: test.url, from: "oldest", schedule: hasty });
    onTestFinished(() => connection.close());
    const iterator = connection[Symbol.asyncIterator]();
    const first = iterator.next();
    for (const n of range(1, count)) test.publisher.publish(numbered(`${n} ${padding}`));
    await test.publisher.flush();
    await first;
    // Nobody reads: the bridge gives the client up once it has filled what lies between.
    await expect.poll(() => test.hub.stats().dropped.slow_time, { timeout: 20_000 }).toBe(1);
    expect(test.hub.stats().bytes).toBeLessThan(count * padding.length);
    expect(await rest(iterator, count - 1)).toEqual(range(2, count));
  });

  async function rest(iterator: ReturnType<Connection[typeof Symbol.asyncIterator]>, count: number) {
    const numbers: string[] = [];
    while (numbers.length < count) {
      const { value } = await iterator.next();
      numbers.push(messageOf(value as OrchestratorEvent).split(" ")[0] as string);
    }
    return numbers;
  }
});
