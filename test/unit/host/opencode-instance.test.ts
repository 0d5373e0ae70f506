import { expect, it } from "vitest";
import type { OpenCodeFact } from "../../../src/host/opencode-facts.ts";
import { Guard } from "../../../src/host/opencode-guard.ts";
import { Instance } from "../../../src/host/opencode-instance.ts";
import type { OpenCodeJobs } from "../../../src/host/opencode-jobs.ts";

const FACT: OpenCodeFact = { kind: "idle", at: 1, sessionId: "s" };

function setUp() {
  const applied: OpenCodeFact[] = [];
  const jobs = { apply: (fact: OpenCodeFact) => applied.push(fact), close: () => {} };
  return { applied, instance: new Instance(new Guard(() => {})), jobs: jobs as unknown as OpenCodeJobs };
}

it("tells what waited, and then what comes", () => {
  const { applied, instance, jobs } = setUp();
  instance.take(FACT);
  instance.open(jobs);
  instance.take(FACT);
  expect(applied).toHaveLength(2);
});

it("lets go of what waits when it is closed", () => {
  const { applied, instance, jobs } = setUp();
  instance.take(FACT);
  instance.close("no telemetry", 2);
  instance.take(FACT);
  instance.open(jobs);
  expect(applied).toEqual([]);
});

it("counts what came when too many waited", () => {
  const { applied, instance, jobs } = setUp();
  for (let count = 0; count < 10_002; count++) instance.take(FACT);
  instance.open(jobs);
  expect([applied.length, instance.dropped]).toEqual([10_000, 2]);
});
