import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JobBars } from "../../../src/cli/job-bars.ts";
import { textWidth } from "../../../src/cli/terminal.ts";
import { createOrchestratorEvent, type OrchestratorEvent } from "../../../src/event/event.ts";
import { completed, created, progress } from "./job-events.ts";

const plain = (_style: unknown, text: string) => text;

function render(events: OrchestratorEvent[], columns = 80): string[] {
  const bars = new JobBars();
  for (const event of events) bars.apply(event);
  return bars.render(columns, 4_000, plain);
}

describe("bars", () => {
  test("show how far each running job is, and for how long it has run", () => {
    const events = [
      created({ jobId: "a" }),
      progress({ jobId: "a", percent: 40 }),
      created({ jobId: "b", workerId: "test", message: "unit tests" }),
    ];

    expect(render(events)).toEqual([
      "━━━━━━━━────────────  40 % build 3.0 s compiling",
      "────────────────────       test 3.0 s unit tests",
    ]);
  });

  test("tell of all of it only when it is done", () => {
    expect(render([created(), progress({ percent: 99.9 })])).toEqual([
      "━━━━━━━━━━━━━━━━━━━━  99 % build 3.0 s compiling",
    ]);
  });

  test("go when the job ends, and a late report does not bring them back", () => {
    const report = createOrchestratorEvent("orchestra.job.reported", {
      jobId: "job-1",
      workerId: "build",
      revision: 2,
      startedAt: 0,
      status: "succeeded",
      report: {},
    });

    expect(render([created(), completed(), report])).toEqual([]);
  });

  test("are of jobs alone", () => {
    expect(render([createOrchestratorEvent("orchestra.error", { message: "x" })])).toEqual([]);
  });

  test("are shown for a job that was first seen in mid-life", () => {
    expect(render([progress({ percent: 100 })])).toEqual([
      "━━━━━━━━━━━━━━━━━━━━ 100 % build 3.0 s compiling",
    ]);
  });

  test("are eight at most, and the rest is counted", () => {
    const events = Array.from({ length: 11 }, (_, job) => created({ jobId: String(job) }));

    expect(render(events)).toHaveLength(9);
    expect(render(events).at(-1)).toBe("… and 3 more");
  });

  test("of very many jobs are not all remembered", () => {
    const events = Array.from({ length: 1_500 }, (_, job) => created({ jobId: String(job) }));

    expect(render(events).at(-1)).toBe("… and 992 more");
  });

  test("show what they can of a job whose fields are not what they should be", () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
    fc.assert(
      fc.property(anything, anything, anything, (message, percent, progressed) => {
        const strange = created({ jobId: "a" });
        Object.assign(strange.data, { message, progress: { percent, message: progressed } });
        expect(render([strange])).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });

  test("never leave their track", () => {
    const strange = created();
    Object.assign(strange.data, { progress: { percent: 1e4 } });

    expect(render([strange])[0]).toMatch(/^[━─]{20} .* build 3\.0 s compile the lexer$/);
  });

  test("are forgotten when asked to", () => {
    const bars = new JobBars();
    bars.apply(created());

    bars.clear();

    expect(bars.render(80, 4_000, plain)).toEqual([]);
  });

  test("never wrap and never control the terminal, whatever a job calls itself", () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom("\x1b", "\u009b", "編", "👩‍👩‍👧"), fc.string({ unit: "binary" })),
    });
    const percent = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        text,
        text,
        percent,
        fc.integer({ min: -1, max: 200 }),
        (workerId, message, amount, columns) => {
          const [line = ""] = render([progress({ workerId, message, percent: amount })], columns);
          expect(textWidth(line)).toBeLessThanOrEqual(Math.max(0, columns));
          expect(line).not.toMatch(/\p{Cc}/u);
        },
      ),
      { numRuns: 50 },
    );
  });
});
