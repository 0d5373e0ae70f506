import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
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

  it.each([undefined, null, "text", { sse: 1, log: null, ledger: [] }])("may be none: %j", (status) => {
    expect(statusFacts(status)).toEqual([]);
  });
});
