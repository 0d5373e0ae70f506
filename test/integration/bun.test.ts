import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { openReceiver } from "../fixtures/outbox-rig.ts";
import { openTestLog, readAll, temporaryFolder } from "../fixtures/sqlite-logs.ts";
import { openFeed } from "../fixtures/sse-reader.ts";

const require = createRequire(import.meta.url);
const ROOT = join(import.meta.dirname, "../..");
const FIXTURES = join(ROOT, "test/fixtures");
const RUNTIMES = {
  node: process.execPath,
  bun: join(dirname(require.resolve("bun/package.json")), "bin/bun.exe"),
};

type Runtime = keyof typeof RUNTIMES;

/** A process of ours, and all that it says. */
class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #stderr: Promise<string>;

  constructor(runtime: Runtime, fixture: string, ...args: string[]) {
    this.#process = spawn(RUNTIMES[runtime], [join(FIXTURES, fixture), ...args], { stdio: "pipe" });
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
    this.#stderr = text(this.#process.stderr);
    onTestFinished(() => void this.#process.kill("SIGKILL"));
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    return (await this.#lines.next()).value;
  }

  async ask(line: string): Promise<unknown> {
    this.#process.stdin.write(`${line}\n`);
    return JSON.parse(await this.line());
  }

  /** Has it shut down; resolves with its last words. */
  async end(): Promise<unknown> {
    this.#process.stdin.end();
    return JSON.parse(await this.line());
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await once(this.#process, "close");
  }

  /** Resolves when it has ended by itself, with what it said beside the lines that were read. */
  async rest(): Promise<{ stdout: (string | undefined)[]; stderr: string }> {
    return { stdout: [(await this.#lines.next()).value], stderr: await this.#stderr };
  }
}

/** The events of each job in a file, in short. */
async function jobsIn(file: string): Promise<Record<string, string[]>> {
  const { log, store } = await openTestLog({ file });
  expect(store.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  const jobs: Record<string, string[]> = {};
  for (const { event } of readAll(log)) {
    if (!("jobId" in event.data)) continue;
    const [, , kind = ""] = event.type.split(".");
    jobs[event.data.jobId] = [...(jobs[event.data.jobId] ?? []), kind];
  }
  return jobs;
}

describe("Bun", () => {
  it("has the version that we promise to support", async () => {
    const child = spawn(RUNTIMES.bun, ["--version"], { stdio: ["ignore", "pipe", "inherit"] });
    expect(await text(child.stdout)).toMatch(/^1\.(3|[4-9]|\d\d)\./);
  });

  it("passes the conformance suite of the log, and the tests of the outbox", async () => {
    const tests = [
      "event-log/memory",
      "event-log/sqlite",
      "exporters/span-outbox",
      "exporters/span-outbox-disk",
      "store/read-only",
    ];
    const files = tests.map((name) => `./test/unit/${name}.test.ts`);
    const child = spawn(RUNTIMES.bun, ["test", "--timeout", "30000", ...files], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const report = await text(child.stderr);
    expect(report.match(/^\(fail\).*$/gm)).toBeNull();
    expect(report).toMatch(new RegExp(`^Ran \\d{3,} tests across ${files.length} files`, "m"));
  }, 120_000);
});

describe.each<[Runtime, Runtime]>([
  ["bun", "bun"],
  ["node", "bun"],
  ["bun", "node"],
])("a file that was written under %s, opened under %s", (before, after) => {
  it("goes on after a kill, is served and fed from, and nobody says a word", async () => {
    const receiver = await openReceiver();
    const file = join(temporaryFolder(), "orchestra.db");
    const killed = new Child(before, "durable-child.ts", file, receiver.url);
    expect(await killed.line()).toBe("ready");
    await killed.kill();
    expect(await killed.rest()).toEqual({ stdout: [undefined], stderr: "" });

    const child = new Child(after, "runtime-child.ts", file, receiver.url);
    const { url, runtime } = JSON.parse(await child.line());
    expect(runtime).toBe(after);
    const feed = await openFeed(`${url}/v1/events?after=oldest`);
    expect(await child.ask("later")).toEqual({ answer: "ok" });
    await feed.until(({ events }) =>
      events.some(({ data }) => data.includes('"later"') && data.includes("completed")),
    );
    const fed = feed.events
      .map(({ data }) => JSON.parse(data))
      .filter(({ data }) => data.jobId !== undefined);
    expect(await child.end()).toEqual({
      warnings: [],
      pending: 0,
      log: { degraded: false, failures: { write: 0, read: 0 } },
    });
    expect(await child.rest()).toEqual({ stdout: [undefined], stderr: "" });

    const jobs = await jobsIn(file);
    expect(jobs).toEqual({
      done: ["created", "completed"],
      open: ["created", "progress", "failed"],
      "handed-over": ["created", "failed"],
      later: ["created", "progress", "completed"],
    });
    expect(fed).toHaveLength(Object.values(jobs).flat().length);
    const ended = receiver.spans.filter(({ attributes }) => "orchestra.job.result" in attributes);
    expect(ended.map(({ attributes }) => attributes["orchestra.job.id"]).sort()).toEqual(
      Object.keys(jobs).sort(),
    );
  });
});
