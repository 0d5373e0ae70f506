import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../../src/event/event.ts";
import { BridgeError, type JobPageAnswer } from "../../../src/panel/bridge-api.ts";
import { eventText, merged, NO_EVENTS, progressPoints } from "../../../src/panel/job/job-events.ts";
import { JobReader } from "../../../src/panel/job/job-reader.ts";
import { jobEvent } from "../../fixtures/job-story.ts";
import { job } from "./panel-jobs.ts";

/** The event of one revision, with an id of its own. */
function told(revision: number): JobEvent {
  return { ...jobEvent("orchestra.job.progress", "j", { revision }), id: `id-${revision}` };
}

const revisionsOf = (events: readonly JobEvent[]) => events.map(({ data }) => data.revision);

describe("the events of a job", () => {
  it("are each there once, in the order in which they were told", () => {
    const live = merged(NO_EVENTS, [told(3), told(4)]);
    const all = merged(live, [told(0), told(1), told(2), told(3)]);
    expect(revisionsOf(all.events)).toEqual([0, 1, 2, 3, 4]);
    expect(merged(all, [told(2)])).toEqual(all);
  });

  it("of a job that begins anew follow those of its first life", () => {
    const at = (revision: number, timestamp: number, type: JobEvent["type"] = "orchestra.job.progress") =>
      ({ ...jobEvent(type, "j", { revision }), id: `${timestamp}`, timestamp }) as JobEvent;
    const first = [at(0, 10, "orchestra.job.created"), at(1, 11), at(2, 12)];
    const second = [at(0, 20, "orchestra.job.created"), at(1, 21)];
    const live = merged(NO_EVENTS, second);
    expect(merged(live, first).events.map(({ id }) => id)).toEqual(["10", "11", "12", "20", "21"]);
  });

  it("keep their place without a revision", () => {
    const strange = {
      ...told(0),
      id: "s",
      data: { ...told(0).data, revision: undefined },
    } as unknown as JobEvent;
    expect(merged(NO_EVENTS, [strange, told(1)]).events.map(({ id }) => id)).toEqual(["id-1", "s"]);
  });

  it("are not more than a page can hold", () => {
    const many = Array.from({ length: 5_010 }, (_, revision) => told(revision));
    const { events, letGo } = merged({ events: [], letGo: 5 }, many);
    expect([events.length, letGo, events[0]?.data.revision]).toEqual([5_000, 15, 10]);
  });

  it("are not more than a page can hold by their texts, and at least one", () => {
    const long = (revision: number, length: number) =>
      ({
        ...jobEvent("orchestra.job.progress", "j", { revision, message: "x".repeat(length) }),
        id: `id-${revision}`,
      }) as JobEvent;
    const MI = 1024 * 1024;
    const held = merged(NO_EVENTS, [long(1, 5 * MI), long(2, 5 * MI), long(3, 5 * MI)]);
    expect([revisionsOf(held.events), held.letGo]).toEqual([[1, 2, 3], 0]);
    const next = merged(held, [long(4, 5 * MI)]);
    expect([revisionsOf(next.events), next.letGo]).toEqual([[2, 3, 4], 1]);
    const last = merged(next, [long(5, 20 * MI)]);
    expect([revisionsOf(last.events), last.letGo]).toEqual([[5], 4]);
  });

  it("tell how far the job was", () => {
    const events = [
      jobEvent("orchestra.job.created", "j"),
      jobEvent("orchestra.job.progress", "j", { percent: 140 }),
      jobEvent("orchestra.job.progress", "j", { percent: undefined, current: 1, total: 4 }),
      jobEvent("orchestra.job.progress", "j", { percent: undefined, current: 1, total: 0 }),
    ];
    expect(progressPoints(events).map(({ percent }) => percent)).toEqual([100, 25]);
  });

  it.each([
    [jobEvent("orchestra.job.created", "j"), "Split the parser out"],
    [jobEvent("orchestra.job.started", "j"), ""],
    [jobEvent("orchestra.job.progress", "j"), "40 % · build · Compiling"],
    [jobEvent("orchestra.job.progress", "j", { percent: 100 / 3 }), "33 % · build · Compiling"],
    [jobEvent("orchestra.job.progress", "j", { percent: undefined, stage: undefined }), "Compiling"],
    [jobEvent("orchestra.job.progress", "j", { percent: undefined, message: "Build 3" }), "Build 3"],
    [jobEvent("orchestra.job.completed", "j"), "Two files changed"],
    [jobEvent("orchestra.job.completed", "j", { report: undefined, responsePreview: "Done" }), "Done"],
    [jobEvent("orchestra.job.failed", "j", { error: "no" }), "no"],
    [jobEvent("orchestra.job.canceled", "j", { reason: undefined }), ""],
    [jobEvent("orchestra.job.reported", "j"), "Two files changed"],
  ])("say in a line what they add: %#", (event, text) => {
    expect(eventText(event)).toBe(text);
  });

  it.each([
    [jobEvent("orchestra.job.created", "j"), { message: {} }, ""],
    [jobEvent("orchestra.job.progress", "j"), { message: 5, percent: "x", stage: [] }, ""],
    [jobEvent("orchestra.job.progress", "j"), { message: null, percent: null }, "build"],
    [jobEvent("orchestra.job.failed", "j"), { error: { message: "x" } }, ""],
    [jobEvent("orchestra.job.canceled", "j"), { reason: 7 }, ""],
    [jobEvent("orchestra.job.completed", "j"), { report: null, responsePreview: 1 }, ""],
    [jobEvent("orchestra.job.reported", "j"), { report: { summary: {} } }, ""],
  ])("that are ill-made say no more than what can be shown: %#", (event, changes, text) => {
    const strange = { ...event, data: { ...event.data, ...changes } } as unknown as JobEvent;
    expect(eventText(strange)).toBe(text);
  });

  it("that are ill-made tell of no progress", () => {
    const strange = (changes: object, more: object = {}) => {
      const event = jobEvent("orchestra.job.progress", "j");
      const data = { ...event.data, percent: undefined, current: 1, total: 4, ...changes };
      return { ...event, data, ...more } as unknown as JobEvent;
    };
    const events = [strange({ percent: "x" }), strange({ current: "x" }), strange({}, { timestamp: "x" })];
    expect(progressPoints(events).map(({ percent }) => percent)).toEqual([25]);
  });
});

describe("the reader of a job", () => {
  /** Answers with one event a page; `next` names the page after it. */
  function startReader(pages: number) {
    const asked: (string | undefined)[] = [];
    let isWatched = false;
    let tell: (events: readonly JobEvent[]) => void = () => {};
    const reader = new JobReader({
      jobId: "j",
      read: async (_jobId, after): Promise<JobPageAnswer> => {
        asked.push(after);
        const page = Number(after ?? 0);
        const next = page + 1 < pages ? String(page + 1) : undefined;
        return { job: job("j", { revision: page }), events: [told(page)], next };
      },
      watch: (_jobId, handler) => {
        isWatched = true;
        tell = handler;
        return () => {
          isWatched = false;
        };
      },
    });
    return { reader, asked, tell: (...events: JobEvent[]) => tell(events), isWatched: () => isWatched };
  }

  it("puts together what it reads and what comes meanwhile", async () => {
    const { reader, tell } = startReader(2);
    const reading = reader.read();
    tell(told(2));
    await reading;
    tell(told(3));
    expect(revisionsOf(reader.events.value.events)).toEqual([0, 1, 2, 3]);
    expect(reader.reading.value).toEqual({ state: "read", next: undefined });
    expect(reader.job.value?.revision).toBe(3);
  });

  it("reads four pages, and more when it is asked to", async () => {
    const { reader, asked } = startReader(6);
    await reader.read();
    expect(reader.reading.value).toEqual({ state: "read", next: "4" });
    await reader.readMore();
    expect(asked).toEqual([undefined, "1", "2", "3", "4", "5"]);
    expect(revisionsOf(reader.events.value.events)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("keeps the job current by what comes, as the list may let it go", async () => {
    const { reader, tell } = startReader(1);
    tell(jobEvent("orchestra.job.progress", "j", { revision: 1 }));
    const reading = reader.read();
    tell({ ...jobEvent("orchestra.job.completed", "j", { revision: 2 }), timestamp: 9e12 });
    await reading;
    expect(reader.job.value).toMatchObject({ status: "succeeded", revision: 2 });
    // What is told again changes nothing, and a job may begin anew.
    tell(jobEvent("orchestra.job.progress", "j", { revision: 1 }));
    expect(reader.job.value?.status).toBe("succeeded");
    tell({ ...jobEvent("orchestra.job.created", "j", { revision: 0 }), id: "anew", timestamp: 9e12 + 1 });
    expect(reader.job.value).toMatchObject({ status: "queued", revision: 0 });
  });

  it("takes no answer to what it has asked before it asked again", async () => {
    const answers: ((answer: JobPageAnswer) => void)[] = [];
    const reader = new JobReader({
      jobId: "j",
      read: () => new Promise((resolve) => answers.push(resolve)),
      watch: () => () => {},
    });
    const [before, again] = [reader.read(), reader.read()];
    answers[1]?.({ job: job("j", { revision: 7 }), events: [told(7)] });
    await again;
    answers[0]?.({ job: job("j", { revision: 3 }), events: [told(3)], next: "later" });
    await before;
    expect(reader.job.value?.revision).toBe(7);
    expect(reader.reading.value).toEqual({ state: "read", next: undefined });
  });

  it("reads anew from the start what may be another log by now, and shows it when it has it all", async () => {
    const pages = new Map([
      ["old", { job: job("j", { revision: 9 }), events: [told(0), told(1), told(2)], next: "e-3" }],
      ["new", { job: job("j", { revision: 0 }), events: [{ ...told(0), id: "anew" }], next: undefined }],
    ]);
    let epoch = "old";
    let tell: (events: readonly JobEvent[]) => void = () => {};
    const asked: (string | undefined)[] = [];
    const held = Promise.withResolvers<void>();
    const reader = new JobReader({
      jobId: "j",
      read: async (_jobId, after) => {
        asked.push(after);
        if (epoch === "new") await held.promise;
        return pages.get(epoch) as JobPageAnswer;
      },
      watch: (_jobId, handler) => {
        tell = handler;
        return () => {};
      },
    });
    await reader.read();
    tell([told(3)]);
    asked.length = 0;
    epoch = "new";
    const again = reader.read();
    tell([told(4)]);
    // Nothing goes from before one's eyes until there is something instead.
    expect(revisionsOf(reader.events.value.events)).toEqual([0, 1, 2, 3, 4]);
    held.resolve();
    await again;
    expect(asked).toEqual([undefined]);
    expect(reader.events.value.events.map(({ id }) => id)).toEqual(["anew", "id-4"]);
    expect(reader.reading.value).toEqual({ state: "read", next: undefined });
  });

  it("counts what it has let go of once, however often it is read", async () => {
    const pageOf = (page: number) => Array.from({ length: 1_000 }, (_, index) => told(page * 1_000 + index));
    const reader = new JobReader({
      jobId: "j",
      read: async (_jobId, after = "0") => {
        const page = Number(after);
        return { job: job("j"), events: pageOf(page), next: page < 5 ? String(page + 1) : undefined };
      },
      watch: () => () => {},
    });
    for (let time = 0; time < 2; time++) {
      await reader.read();
      expect([reader.events.value.events.length, reader.events.value.letGo]).toEqual([4_000, 0]);
      await reader.readMore();
      expect([reader.events.value.events.length, reader.events.value.letGo]).toEqual([5_000, 1_000]);
    }
  });

  it("keeps what is known of a job that the server holds no longer, and says so", async () => {
    let error: Error | undefined;
    let tell: (events: readonly JobEvent[]) => void = () => {};
    const reader = new JobReader({
      jobId: "j",
      read: async () => {
        if (error !== undefined) throw error;
        return { job: job("j"), events: [told(0)] };
      },
      watch: (_jobId, handler) => {
        tell = handler;
        return () => {};
      },
    });
    await reader.read();
    error = new TypeError("Failed to fetch");
    await reader.read();
    expect(reader.isGone.value).toBe(false);
    error = new BridgeError("what it says", 404, "UNKNOWN_JOB");
    await reader.read();
    expect(reader.isGone.value).toBe(true);
    expect([reader.job.value?.jobId, revisionsOf(reader.events.value.events)]).toEqual(["j", [0]]);
    // Asking again does not make it be there.
    const again = reader.read();
    expect(reader.isGone.value).toBe(true);
    await again;
    tell([told(1)]);
    expect(reader.isGone.value).toBe(false);
  });

  it("says when it could not read", async () => {
    const error = new Error("gone");
    const reader = new JobReader({ jobId: "j", read: () => Promise.reject(error), watch: () => () => {} });
    await reader.read();
    expect(reader.reading.value).toEqual({ state: "failed", error });
  });

  it("leaves everything alone once it is closed", async () => {
    const { reader, isWatched } = startReader(1);
    const reading = reader.read();
    reader.close();
    await reading;
    expect([isWatched(), reader.events.value.events]).toEqual([false, []]);
  });
});
