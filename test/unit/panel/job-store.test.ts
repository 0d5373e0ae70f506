import { batch, effect } from "@preact/signals";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobEventType } from "../../../src/event/event.ts";
import { JobTable } from "../../../src/event/job-table.ts";
import { JobStore } from "../../../src/panel/jobs/job-store.ts";
import { jobEvent, recordsOf } from "../../fixtures/job-story.ts";
import { ended, job } from "./panel-jobs.ts";

const idsOf = (store: JobStore) => store.newestFirst().map(({ id }) => id);

describe("the store of jobs", () => {
  it("lists the newest first, as the server does", () => {
    const store = new JobStore();
    store.replace([job("c"), job("b"), job("a")]);
    store.apply(jobEvent("orchestra.job.created", "d"));
    expect(idsOf(store)).toEqual(["d", "c", "b", "a"]);
    expect(store.size).toBe(4);
  });

  it("tells a job's own readers of its progress, and nobody else", () => {
    const store = new JobStore();
    store.replace([job("a"), job("b")]);
    const runs = { shape: 0, a: 0, b: 0 };
    const count = (name: keyof typeof runs) => {
      runs[name]++;
    };
    effect(() => void (store.newestFirst() && count("shape")));
    effect(() => void (store.get("a")?.job.value && count("a")));
    effect(() => void (store.get("b")?.job.value && count("b")));
    batch(() => store.apply(jobEvent("orchestra.job.progress", "a")));
    expect(runs).toEqual({ shape: 1, a: 2, b: 1 });
    batch(() => store.apply(jobEvent("orchestra.job.completed", "a")));
    expect(runs).toEqual({ shape: 2, a: 3, b: 1 });
  });

  it("returns what the job was before", () => {
    const store = new JobStore();
    expect(store.apply(jobEvent("orchestra.job.created", "a"))).toBeUndefined();
    expect(store.apply(jobEvent("orchestra.job.started", "a"))).toMatchObject({ status: "queued" });
  });

  it("keeps the entry of a job when the list is read again", () => {
    const store = new JobStore();
    store.replace([job("a"), job("gone")]);
    const before = store.get("a");
    store.replace([job("b"), job("a", { revision: 7 })]);
    expect(store.get("a")).toBe(before);
    expect(before?.job.peek().revision).toBe(7);
    expect(idsOf(store)).toEqual(["b", "a"]);
    expect(store.get("gone")).toBeUndefined();
  });

  it("lets go of the job that ended first, and counts it", () => {
    const store = new JobStore({ maxJobs: 3 });
    store.replace([ended("d", 3_000), ended("c", 2_000), job("b"), job("a")]);
    expect(idsOf(store)).toEqual(["d", "b", "a"]);
    expect(store.letGo.value).toBe(1);
    store.apply(jobEvent("orchestra.job.created", "e"));
    expect(idsOf(store)).toEqual(["e", "b", "a"]);
    store.apply(jobEvent("orchestra.job.created", "f"));
    expect(idsOf(store)).toEqual(["f", "e", "b"]);
    expect(store.letGo.value).toBe(3);
  });

  it("lets go of jobs whose texts come to too much, and counts them", () => {
    const text = "x".repeat(1_000);
    const store = new JobStore({ maxLength: 3_000 });
    store.replace([job("c", { message: text }), ended("b", 2_000, { message: text }), job("a")]);
    expect([idsOf(store), store.letGo.value]).toEqual([["c", "b", "a"], 0]);
    // Progress alone may be what is too much.
    batch(() => store.apply(jobEvent("orchestra.job.progress", "a", { message: text })));
    expect([idsOf(store), store.letGo.value]).toEqual([["c", "a"], 1]);
    batch(() => store.apply(jobEvent("orchestra.job.progress", "a", { message: "short" })));
    batch(() => store.apply(jobEvent("orchestra.job.created", "d", { message: text })));
    expect([idsOf(store), store.letGo.value]).toEqual([["d", "c", "a"], 1]);
  });

  it("holds one job, however long", () => {
    const store = new JobStore({ maxLength: 10 });
    store.replace([job("b"), job("a")]);
    expect([idsOf(store), store.letGo.value]).toEqual([["b"], 1]);
    batch(() => store.apply(jobEvent("orchestra.job.created", "c")));
    expect([idsOf(store), store.letGo.value]).toEqual([["c"], 2]);
  });

  it("holds the same jobs as the server, whatever happens", () => {
    const types: JobEventType[] = [
      "orchestra.job.created",
      "orchestra.job.started",
      "orchestra.job.progress",
      "orchestra.job.completed",
      "orchestra.job.failed",
      "orchestra.job.reported",
    ];
    const anyEvent = fc.tuple(fc.constantFrom(...types), fc.constantFrom(..."abcdefgh"));
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.nat({ max: 3_000 }), (story, maxLength) => {
        const events = story.map(([type, id]) => jobEvent(type, id));
        const limits = { maxJobs: 4, maxLength };
        const store = new JobStore(limits);
        const table = new JobTable(limits);
        for (const event of events) store.apply(event);
        for (const record of recordsOf(events)) table.onEvent(record);
        expect(store.newestFirst().map((entry) => entry.job.peek())).toEqual(table.list({ limit: 10 }).jobs);
      }),
    );
  });
});
