import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lossReason } from "../../../src/panel/health/loss-reasons.ts";
import { lossText, statusFacts } from "../../../src/panel/health/status-facts.ts";

/** The examples of the docs, which a test holds to what the bridge answers. */
const [, section = ""] = readFileSync("docs/http.md", "utf8").split("### GET /v1/status");
const [bare, host] = [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) =>
  JSON.parse(json as string),
);

describe("the facts of a status", () => {
  it("are those of the bridge", () => {
    const groups = statusFacts(bare);
    expect(groups.map(({ title }) => title)).toEqual(["Events", "Feed", "Log"]);
    expect(groups[0]?.facts).toEqual([
      { name: "Made", value: "120", isBad: false },
      { name: "Delivered", value: "120", isBad: false },
      { name: "Waiting", value: "0", isBad: false },
      { name: "Dropped", value: "none" },
    ]);
    expect(lossText(groups)).toBeUndefined();
  });

  it("are those of the host as well", () => {
    const groups = statusFacts({ ...bare, ...host });
    expect(groups.map(({ title }) => title)).toEqual(["Events", "Spans", "Feed", "Log", "Data file"]);
    expect(lossText(groups)).toBeUndefined();
  });

  it("tell of every loss", () => {
    const groups = statusFacts({
      ledger: {
        events: { made: 9, delivered: 2, queued: 1, dropped: { queue_full: 5, closed: 0 }, balance: 1 },
      },
      sse: { resyncs: 3, dropped: { slow_bytes: 2 } },
      log: { error: "disk full" },
      dataFile: { file: "x.db", degraded: true, detached: true, waiting: 4, lostToDisk: 6, bytes: 10 },
    });
    const bad = groups.flatMap(({ facts }) => facts.filter(({ isBad }) => isBad));
    expect(bad.map(({ name, value }) => `${name} ${value}`)).toEqual([
      "Dropped: queue full 5",
      "Unaccounted for 1",
      "Clients told of a gap 3",
      "Connections cut off: slow bytes 2",
      "Cannot be read disk full",
      "Degraded It cannot be written; events are kept in memory",
      "Detached It was moved or replaced",
      "Events lost to the disk 6",
    ]);
    expect(lossText(groups)).toBe("8 things need attention");
  });

  it("say why spans wait, and what became of those that were left", () => {
    const [spans] = statusFacts(
      {
        ledger: {
          spans: {
            ...{ made: 15, delivered: 1, queued: 12, balance: 0 },
            dropped: { over_limit: 0, rejected: 2 },
            inherited: { made: 4, delivered: 1, queued: 2, dropped: { vanished: 1 }, balance: 0 },
          },
        },
        jobSpans: { open: 3, refused: 1, failed: 2 },
        spans: {
          ...{ bytes: 21_943, oldestAgeMs: 64_444, attempts: 5 },
          deadLetters: { spans: 2, bytes: 900 },
          lastError: "connect ECONNREFUSED 127.0.0.1:4318",
          nextAttemptAt: 12_000,
        },
      },
      4_000,
    );
    expect(spans?.title).toBe("Spans");
    expect(spans?.facts.map(({ name, value, note }) => [name, value, note].filter(Boolean))).toEqual([
      ["Made", "15"],
      ["Delivered", "1"],
      ["Waiting", "12"],
      [
        "Why they wait",
        "connect ECONNREFUSED 127.0.0.1:4318",
        "They stay until the receiver takes them. Next try in 8 s.",
      ],
      ["The oldest waits for", "1 min 4 s"],
      ["Kept until then", "21.9 kB"],
      ["Requests made", "5"],
      ["Dropped: rejected", "2", "The receiver will never take them: they are kept as dead letters"],
      ["Dead letters", "2", "900 B, kept to be looked at"],
      ["Left by earlier processes", "4", "1 delivered, 2 waiting"],
      [
        "Left, and dropped: vanished",
        "1",
        "Another process took them over and sends them, or somebody removed them",
      ],
      ["Not ended yet", "3"],
      ["Jobs without a span", "1", "Too many were open at one time"],
      ["Calls of the tracer that failed", "2"],
    ]);
    expect(spans?.facts.filter(({ isBad }) => isBad).map(({ name }) => name)).toEqual([
      "Why they wait",
      "Dropped: rejected",
      "Dead letters",
      "Left, and dropped: vanished",
      "Jobs without a span",
      "Calls of the tracer that failed",
    ]);
  });

  it.each([
    [{ lastError: "gone", nextAttemptAt: 1_000, attempts: 1 }, "Next try now."],
    [{ lastError: "gone", nextAttemptAt: 9_000, attempts: 1 }, "Next try in 5 s."],
  ])("tell when spans are tried again: %#", (spans, text) => {
    const [group] = statusFacts({ ledger: { spans: { made: 1, queued: 1 } }, spans }, 4_000);
    expect(group?.facts.find(({ name }) => name === "Why they wait")?.note).toContain(text);
  });

  it("tell of a trouble that may be over", () => {
    const [group] = statusFacts({ spans: { lastError: "gone", deadLetters: { spans: 0, bytes: 0 } } }, 0);
    expect(group?.facts).toEqual([{ name: "Last trouble", value: "gone", isLong: true }]);
  });

  it("tell what else was lost", () => {
    const groups = statusFacts({
      ledger: {
        events: { made: 1, sinks: { logs: { failed: 3 }, sse: { failed: 0 } }, handlers: { failed: 1 } },
      },
      logs: { written: 7, dropped: 2 },
      dataFile: {
        ...{ file: "x.db", degraded: true, lastError: "disk full", unreadable: 4 },
        failures: { write: 5, read: 6 },
      },
    });
    const bad = groups.flatMap(({ facts }) => facts.filter(({ isBad }) => isBad));
    expect(bad.map(({ name, value }) => `${name} ${value}`)).toEqual([
      "Not taken by logs 3",
      "Not taken by handlers 1",
      "Log lines lost 2",
      "Degraded It cannot be written; events are kept in memory",
      "Why disk full",
      "Failed writes 5",
      "Failed reads 6",
      "Rows that cannot be read 4",
    ]);
  });

  it("have words for every reason that the docs name", () => {
    const reasons = [bare, host].flatMap(({ events, sse, ledger }) =>
      [events, sse, ledger?.events, ledger?.spans, ledger?.spans.inherited].flatMap((part) =>
        Object.keys(part?.dropped ?? {}),
      ),
    );
    expect(reasons.length).toBeGreaterThan(20);
    expect(reasons.filter((reason) => lossReason(reason) === undefined)).toEqual([]);
    expect(lossReason("toString")).toBeUndefined();
  });

  it.each([undefined, null, "text", { sse: 1, log: null, ledger: [] }])("may be none: %j", (status) => {
    expect(statusFacts(status)).toEqual([]);
  });
});
