import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONFIG_VARIABLES, readConfig, readExporterConfig } from "../../../src/config.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { lossLedger } from "../../../src/loss-ledger.ts";
import type { TelemetryStats } from "../../../src/telemetry-stats.ts";
import { createOutboxRig } from "../../fixtures/outbox-rig.ts";
import { listedTests } from "./listed-tests.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const page = read("docs/operate.md");
const [text = ""] = page.split("\n## Tests\n");

/** Where the options of the tables are declared. */
const RETENTION = [read("src/event-log/sqlite-retention.ts")];
const OTHERS = [
  "src/event-log/sqlite.ts",
  "src/event-log/sqlite-leases.ts",
  "src/store/open-store.ts",
  "exporters/span-outbox.ts",
  "exporters/span-outbox-backoff.ts",
  "src/config-storage.ts",
].map(read);

/** The default that an option's docstring tells. */
function declaredDefault(option: string): string | undefined {
  const name = option.split(".").at(-1);
  const declarations = option.includes("retention.") ? RETENTION : OTHERS;
  const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*${name}\\?:`);
  const [docstring] = declarations.flatMap((source) => pattern.exec(source)?.[1] ?? []);
  return /Default: ([^.]+)\./.exec(docstring ?? "")?.[1];
}

function unquoted(cell: string): string {
  return cell.replaceAll("`", "");
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
    const { missing, listed, expected, used } = listedTests(page, "T");
    expect(missing).toEqual([]);
    expect(listed).toEqual(expected);
    expect(used).toEqual(new Set(listed));
  });

  it("has the defaults that the options have", () => {
    const rows = rowsUnder("Limits", /^\| `[a-z.A-Z]+` \|/);
    expect(rows.length).toBeGreaterThan(15);
    const documented = rows.map(([option, , value]) => [option, value?.replaceAll("`", "")]);
    const declared = rows.map(([option = ""]) => [
      option,
      declaredDefault(option.replaceAll("`", ""))?.replaceAll("`", ""),
    ]);
    expect(documented).toEqual(declared);
    expect(text).toContain(`${readConfig({}).logCapacity.toLocaleString("en")} events: the oldest go`);
  });

  it("names the option that each variable of a limit sets", () => {
    const rows = rowsUnder("Limits", /^\| `[a-z.A-Z]+` \| `/);
    const limits = CONFIG_VARIABLES.filter((name) => /^ORCHESTRA_(DATA|OUTBOX)_(?!FILE)/.test(name));
    const documented = rows.map(([option = "", variable = ""]) => [variable, option].map(unquoted));
    expect(documented.map(([variable]) => variable).sort()).toEqual(limits.sort());
    for (const [variable = "", option] of documented) {
      const env = { [variable]: variable.endsWith("SYNCHRONOUS") ? "full" : "7" };
      const settings = { dataFile: readConfig(env).dataFile, traces: readExporterConfig(env) };
      const set = (option ?? "").split(".").reduce((value: unknown, key) => Object(value)[key], settings);
      expect(String(set), variable).toBe(env[variable]);
    }
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
