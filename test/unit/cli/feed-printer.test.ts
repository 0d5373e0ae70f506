import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FeedPrinter } from "../../../src/cli/feed-printer.ts";
import { createTestContext, MemoryTerminal } from "./cli-context.ts";
import { created, failed, progress } from "./job-events.ts";

const frame = (event: { type: string }) => ({ event: event.type, data: JSON.stringify(event) });
const resync = { event: "orchestra.stream.resync", data: '{"reason":"evicted","requested":"a-1"}' };

function createPrinter({ json = false, isTTY = false } = {}) {
  const context = createTestContext({ stdout: new MemoryTerminal({ isTTY }), now: () => 4_000 });
  return { ...context, printer: new FeedPrinter(context, { json }) };
}

describe("into a pipe", () => {
  test("every event is a line", async () => {
    const { printer, stdout } = createPrinter();

    for (const event of [created(), progress(), failed()]) await printer.message(frame(event));
    await printer.close();

    expect(stdout.lines().map((line) => line.slice(9))).toEqual([
      "● build started: compile the lexer",
      "· build compiling",
      "✗ build failed after 1.2 s: exit code 3",
    ]);
  });

  test("what is no event goes to stderr", async () => {
    const { printer, stdout, stderr } = createPrinter();

    await printer.message(resync);
    await printer.message({ event: "orchestra.future.thing", data: "{}" });
    await printer.message({ event: undefined, data: "no JSON" });

    expect(stdout.text).toBe("");
    expect(stderr.lines()).toEqual([
      "· events may be missing here: the bridge cannot go on where this feed was (evicted)",
      "· orchestra.future.thing",
      "· message",
    ]);
  });

  test("a resync without a reason is still told", async () => {
    const { printer, stderr } = createPrinter();

    await printer.message({ ...resync, data: "null" });
    await printer.message({ ...resync, data: "{" });

    expect(stderr.lines()).toHaveLength(2);
  });

  test("that there is no room is told on stderr, for programs, too", async () => {
    for (const json of [false, true]) {
      const { printer, stdout, stderr } = createPrinter({ json });

      await printer.message({ event: "orchestra.stream.later", data: '{"reason":"full","retryMs":20000}' });

      expect(stdout.text).toBe("");
      expect(stderr.lines()).toEqual(["· the bridge has no room for this feed now; trying again later"]);
    }
  });

  test("a connection that comes and goes is told once per change", () => {
    const { printer, stderr } = createPrinter();
    const url = "http://127.0.0.1:4319";

    printer.connection({ url });
    printer.connection({ url, lost: "ECONNREFUSED" });
    printer.connection({ url, lost: "ECONNREFUSED" });
    printer.connection({ url });

    expect(stderr.lines()).toEqual([
      `· ${url}: ECONNREFUSED; trying again until Ctrl-C`,
      `· connected to ${url}`,
    ]);
  });
});

describe("as JSON", () => {
  test("every event is its own line, as it came", async () => {
    const { printer, stdout } = createPrinter({ json: true, isTTY: true });
    const event = { ...created(), additive: true };

    await printer.message(frame(event));
    await printer.message({ event: "orchestra.future.thing", data: '{"version":\n2}' });

    expect(stdout.lines()).toEqual([JSON.stringify(event), '{"version": 2}']);
  });

  test("control characters stay JSON and do not reach the terminal", async () => {
    const { printer, stdout } = createPrinter({ json: true });
    const event = created({ message: "\u009b31m\x7f" });

    await printer.message(frame(event));

    expect(stdout.text.trimEnd()).not.toMatch(/\p{Cc}/u);
    expect(JSON.parse(stdout.text)).toMatchObject({ data: { message: "\u009b31m\x7f" } });
  });

  test("what is no JSON is left out, and a resync is not mixed in", async () => {
    const { printer, stdout, stderr } = createPrinter({ json: true });

    await printer.message({ event: "x", data: "{" });
    await printer.message(resync);

    expect(stdout.text).toBe("");
    expect(stderr.lines()).toHaveLength(2);
  });
});

describe("on a terminal", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("progress moves a bar, which is gone when the feed ends", async () => {
    const { printer, stdout } = createPrinter({ isTTY: true });

    await printer.message(frame(created()));
    await printer.message(frame(progress({ percent: 40 })));
    await vi.advanceTimersByTimeAsync(100);
    const shown = stdout.text;
    await printer.close();

    expect(shown).toContain("compile the lexer");
    expect(shown).toContain(" 40 % build 3.0 s compiling\n");
    expect(stdout.text.slice(shown.length)).toBe("\x1b[1A\x1b[J");
  });

  test("the time of a silent job goes on", async () => {
    const { printer, stdout } = createPrinter({ isTTY: true });
    await printer.message(frame(created()));
    await vi.advanceTimersByTimeAsync(100);
    const before = stdout.text.length;

    await vi.advanceTimersByTimeAsync(1_100);

    expect(stdout.text.slice(before)).toContain("3.0 s");
    await printer.close();
  });

  test("a resync takes the bars away, as what was missed may have ended their jobs", async () => {
    const { printer, stdout } = createPrinter({ isTTY: true });
    await printer.message(frame(created()));
    await vi.advanceTimersByTimeAsync(100);
    expect(stdout.text).toContain("build 3.0 s");
    const before = stdout.text.length;

    await printer.message(resync);
    await vi.advanceTimersByTimeAsync(1_100);

    expect(stdout.text.slice(before)).not.toContain("build");
    await printer.close();
  });

  test("an event with fields of any type is a line, and the feed goes on", async () => {
    const { printer, stdout } = createPrinter({ isTTY: true });
    const data = { ...created().data, progress: { percent: 1e4, message: {} }, message: "odd" };
    const odd = { ...created(), data };
    const error = {
      ...created(),
      type: "orchestra.error",
      data: { message: "x", sessionId: 5 },
    };

    await printer.message(frame(odd));
    await printer.message(frame(error));
    await vi.advanceTimersByTimeAsync(1_100);
    await printer.message(frame(created({ jobId: "next" })));
    await printer.close();

    expect(stdout.text).toContain("started: odd");
    expect(stdout.text).toContain("error: x");
    expect(stdout.text).toContain("started: compile the lexer");
  });

  test("notes are lines above the bars", async () => {
    const { printer, stdout, stderr } = createPrinter({ isTTY: true });

    await printer.message(resync);
    await printer.close();

    expect(stdout.text).toContain("events may be missing here");
    expect(stderr.text).toBe("");
  });
});
