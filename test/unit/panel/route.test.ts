import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JOB_STATUSES } from "../../../src/job/job.ts";
import { GROUPINGS } from "../../../src/panel/jobs/job-list.ts";
import { ALL_JOBS, DEFAULT_SPAN, formatRoute, parseRoute, type Route } from "../../../src/panel/route.ts";
import { character, codeUnit } from "./panel-jobs.ts";

const JOBS: Route = { view: "jobs", filter: ALL_JOBS, grouping: "none" };
const id = fc.string({ minLength: 1, unit: character });
const optionalId = fc.option(id, { nil: undefined });

const anyRoute: fc.Arbitrary<Route> = fc.oneof(
  fc.record({
    view: fc.constant("jobs" as const),
    filter: fc.record({
      statuses: fc.subarray(JOB_STATUSES),
      worker: optionalId,
      session: optionalId,
      text: optionalId,
    }),
    grouping: fc.constantFrom(...GROUPINGS),
  }),
  fc.record({ view: fc.constant("job" as const), jobId: id }),
  fc.record({
    view: fc.constant("timeline" as const),
    session: optionalId,
    span: fc.oneof(
      fc.record({ minutes: fc.integer({ min: 1, max: 10_080 }) }),
      fc
        .tuple(fc.nat(), fc.integer({ min: 1, max: 1e6 }))
        .map(([from, length]) => ({ from, to: from + length })),
    ),
  }),
  fc.constantFrom<Route>({ view: "workers" }, { view: "health" }),
);

describe("an address", () => {
  it("leads back to what it was made of", () => {
    fc.assert(
      fc.property(anyRoute, (route) => {
        expect(parseRoute(formatRoute(route))).toEqual(route);
      }),
    );
  });

  it.each<[string, Route]>([
    ["", JOBS],
    ["#", JOBS],
    ["#/nowhere", JOBS],
    ["#/jobs/", JOBS],
    ["#/jobs?status=failed,unknown&group=planet", { ...JOBS, filter: { statuses: ["failed"] } } as Route],
    ["#/jobs/%E0%A4%A", { view: "job", jobId: "%E0%A4%A" }],
    ["#/timeline?minutes=-4", { view: "timeline", span: DEFAULT_SPAN }],
    ["#/timeline?minutes=99999999", { view: "timeline", span: { minutes: 10_080 } }],
    ["#/timeline?from=9&to=3", { view: "timeline", span: DEFAULT_SPAN }],
  ])("%s leads to something", (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  it("never fails, whatever it is", () => {
    fc.assert(fc.property(fc.string({ unit: codeUnit }), (hash) => void parseRoute(`#/${hash}`)));
  });

  it("is short where nothing is chosen", () => {
    expect(formatRoute(JOBS)).toBe("#/jobs");
    expect(formatRoute({ view: "timeline", span: DEFAULT_SPAN })).toBe("#/timeline");
  });
});
