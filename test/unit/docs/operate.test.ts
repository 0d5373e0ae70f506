import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { lossLedger } from "../../../src/loss-ledger.ts";
import type { TelemetryStats } from "../../../src/telemetry-stats.ts";
import { createOutboxRig } from "../../fixtures/outbox-rig.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const page = read("docs/operate.md");
const [text = "", tests = ""] = page.split("\n## Tests\n");

/** Where the options of the tables are declared. */
const RETENTION = [read("src/event-log/sqlite-retention.ts")];
const OTHERS = [
  "src/event-log/sqlite.ts",
  "src/event-log/sqlite-leases.ts",
  "src/store/open-store.ts",
  "exporters/span-outbox.ts",
  "exporters/span-outbox-backoff.ts",
].map(read);

/** The default that an option's docstring tells. */
function declaredDefault(option: string): string | undefined {
  const name = option.split(".").at(-1);
  const declarations = option.startsWith("retention.") ? RETENTION : OTHERS;
  const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*${name}\\?:`);
  const [docstring] = declarations.flatMap((source) => pattern.exec(source)?.[1] ?? []);
  return /Default: ([^.]+)\./.exec(docstring ?? "")?.[1];
}

/** The cells of the rows under a heading. */
function rowsUnder(heading: string, first: RegExp): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => first.test(line));
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("docs/operate.md", () => {
  it("names tests that there are, each of them used", () => {
    const listed = [...tests.matchAll(/^\| (T\d+) \| (.+) \| `(test\/.+)` \|$/gm)];
    const missing = listed.filter(([, , title = "", file = ""]) => !read(file).includes(`"${title}"`));
    expect(missing.map(([row]) => row)).toEqual([]);
    const names = listed.map(([, name]) => name);
    expect(names).toEqual(names.map((_, index) => `T${index + 1}`));
    expect(new Set(text.match(/\bT\d+\b/g))).toEqual(new Set(names));
  });

  it("has the defaults that the options have", () => {
    const rows = rowsUnder("Limits", /^\| `[a-z.A-Z]+` \|/);
    expect(rows.length).toBeGreaterThan(15);
    const documented = rows.map(([option, value]) => [option, value?.replaceAll("`", "")]);
    const declared = rows.map(([option = ""]) => [
      option,
      declaredDefault(option.replaceAll("`", ""))?.replaceAll("`", ""),
    ]);
    expect(documented).toEqual(declared);
    expect(text).toContain(`${readConfig({}).logCapacity.toLocaleString("en")} events: the oldest go`);
  });

  it("explains every reason for which something is dropped, and of what", async () => {
    const { outbox } = await createOutboxRig({ url: "http://127.0.0.1:1/v1/traces" });
    const publisher = new EventPublisher({ log: createMemoryEventLog() });
    const stats = { events: publisher.stats(), spans: outbox.stats(), droppedBeforeStart: 0 };
    const { events, spans } = lossLedger(stats as unknown as TelemetryStats);
    const reasons = { events: events.dropped, spans: spans?.dropped, inherited: spans?.inherited.dropped };
    const documented = rowsUnder("Reading the ledger", /^\| `/);
    for (const [kind, dropped = {}] of Object.entries(reasons)) {
      const rows = documented.filter(([, of]) => of?.split(", ").includes(kind));
      expect(rows.map(([reason]) => reason?.replaceAll("`", "")).sort(), kind).toEqual(
        Object.keys(dropped).sort(),
      );
    }
  });
});
