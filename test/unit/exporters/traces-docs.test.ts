import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { GEN_AI, GENERAL, JOB_RESULT, METRIC, ORCHESTRA, SPAN_EVENT } from "../../../src/semconv.ts";

const docs = readFileSync(new URL("../../../docs/telemetry.md", import.meta.url), "utf8");

/** The rows of a section's first table, cell by cell, without the backticks around a whole cell. */
function tableIn(heading: string): string[][] {
  const section = docs.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, "$1")),
  );
}

const attributes = [ORCHESTRA, GEN_AI, GENERAL].flatMap((group): string[] => Object.values(group));

describe("docs/telemetry.md", () => {
  it("lists the attributes that are emitted, and no others", () => {
    expect(tableIn("Attributes").map(([name]) => name)).toEqual(expect.arrayContaining(attributes));
    expect(tableIn("Attributes")).toHaveLength(attributes.length);
  });

  it("lists the span events", () => {
    expect(tableIn("Span events").map(([name]) => name)).toEqual(Object.values(SPAN_EVENT));
  });

  it("lists the metrics with their units", () => {
    expect(tableIn("Metric names")).toEqual(Object.values(METRIC).map(({ name, unit }) => [name, unit]));
  });

  it("lists the results a job can have", () => {
    const [, , result] = tableIn("Attributes").find(([name]) => name === ORCHESTRA.JOB_RESULT) ?? [];
    expect(result?.match(/\w+(?=`)/g)?.sort()).toEqual(Object.values(JOB_RESULT).sort());
  });
});

describe("attribute names", () => {
  it("stand in one place of the source", async () => {
    const strays: string[] = [];
    for await (const file of glob("{src,exporters}/**/*.ts", { exclude: ["src/semconv.ts"] })) {
      const code = readFileSync(file, "utf8");
      strays.push(
        ...attributes.filter((name) => code.includes(`"${name}"`)).map((name) => `${file}: ${name}`),
      );
    }
    expect(strays).toEqual([]);
  });
});
