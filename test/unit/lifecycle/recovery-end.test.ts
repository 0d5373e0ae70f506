import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobEvent, OrchestratorEventDataMap } from "../../../src/event/event.ts";
import { encodeEvent } from "../../../src/event/event-json.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import type { StoredJob } from "../../../src/lifecycle/job-story.ts";
import { type JobEnded, noopJobTracer } from "../../../src/lifecycle/job-tracer.ts";
import { recoverJobs } from "../../../src/lifecycle/recovery.ts";
import { START_MS } from "../../fixtures/clock.ts";
import { jobEvent } from "../../fixtures/job-story.ts";

const HOUR = 3_600_000;
/** A process that is gone: its lease, and its last sign of life. */
const QUIET = { owner: "quiet", seenAt: START_MS + HOUR };

type End = OrchestratorEventDataMap["orchestra.job.failed"];

function eventAt(timestamp: number, type: JobEvent["type"], jobId = "j", startedAt = START_MS): JobEvent {
  return { ...jobEvent(type, jobId, { startedAt }), timestamp };
}

const created = (jobId: string) => eventAt(START_MS, "orchestra.job.created", jobId);
const progress = (jobId: string, at: number) => eventAt(at, "orchestra.job.progress", jobId);

/** How each job ends that a process has left, and what its span is told of that. */
async function endsOf(events: JobEvent[], jobs: Omit<StoredJob, "after">[], now = START_MS + 24 * HOUR) {
  const log = createMemoryEventLog();
  const { latest: after } = await log.bounds();
  await log.append(events.map((event) => encodeEvent(event)));
  const told: JobEnded[] = [];
  const ends = new Map<string, End>();
  await recoverJobs(
    jobs.map((job) => ({ ...job, after })),
    {
      log,
      rebuild: () => ({ ...noopJobTracer, close: (end) => void told.push(end) }),
      publish: ({ data }) => ends.set(data.jobId, data) !== undefined,
      onRecovered: () => {},
      onError: (_job, error) => expect.fail(String(error)),
      now: () => now,
    },
  );
  expect(told).toEqual([...ends.values()]);
  return ends;
}

async function endOf(
  events: JobEvent[],
  job: Omit<StoredJob, "after" | "jobId">,
  now?: number,
): Promise<End> {
  return (await endsOf(events, [{ jobId: "j", ...job }], now)).get("j") as End;
}

describe("a job that was quiet until its process was killed", () => {
  it("ends with the last sign of life of its process, and its span with it", async () => {
    expect(await endOf([created("j")], QUIET)).toMatchObject({
      startedAt: START_MS,
      finishedAt: START_MS + HOUR,
      durationMs: HOUR,
    });
  });

  it.each([
    ["its last event, when that came later", 2 * HOUR, 24 * HOUR, 2 * HOUR],
    ["its last event, also when that lies ahead of our clock", 2 * HOUR, HOUR, 2 * HOUR],
    ["now, when the sign of life lies ahead of our clock", 5, HOUR / 2, HOUR / 2],
    ["its last event, when that alone does not lie ahead of our clock", 5, 5, 5],
  ])("ends with %s", async (_case, last, now, end) => {
    const events = [created("j"), progress("j", START_MS + last)];
    const { finishedAt } = await endOf(events, QUIET, START_MS + now);
    expect(finishedAt).toBe(START_MS + end);
  });

  it("ends with its last event when its process is not known to have shown a sign of life", async () => {
    const finishedAt = START_MS + 5;
    const events = [created("j"), progress("j", finishedAt)];
    expect(await endOf(events, { owner: "unknown", seenAt: undefined })).toMatchObject({ finishedAt });
  });

  it("never ends before it began or before its last event, nor later than now, whatever the clocks do", async () => {
    const time = fc.integer({ min: START_MS - 48 * HOUR, max: START_MS + 48 * HOUR });
    const property = fc.asyncProperty(time, time, time, time, async (startedAt, last, seenAt, now) => {
      const events = [eventAt(last, "orchestra.job.created", "j", startedAt)];
      const { finishedAt, durationMs } = await endOf(events, { owner: "quiet", seenAt }, now);
      const least = Math.max(startedAt, last);
      expect(finishedAt).toBeGreaterThanOrEqual(Math.max(least, Math.min(seenAt, now)));
      expect(finishedAt).toBeLessThanOrEqual(Math.max(least, now));
      expect(durationMs).toBe(finishedAt - startedAt);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});

describe("a process that left several jobs", () => {
  const late = QUIET.seenAt + 4_000;

  it("showed life with every event of theirs, so that no silent parent ends before its child", async () => {
    const events = [created("parent"), created("child"), progress("child", late)];
    const ends = await endsOf(events, [
      { jobId: "parent", ...QUIET },
      { jobId: "child", ...QUIET },
    ]);
    expect([ends.get("parent")?.finishedAt, ends.get("child")?.finishedAt]).toEqual([late, late]);
  });

  it("did not with the events of another process", async () => {
    const others = ["other", "elsewhere"].flatMap((jobId) => [created(jobId), progress(jobId, late)]);
    const ends = await endsOf(
      [created("j"), ...others],
      [
        { jobId: "j", ...QUIET },
        { jobId: "other", owner: "other", seenAt: QUIET.seenAt },
        // Both were claimed before, by one process that is gone as well.
        { jobId: "elsewhere", owner: QUIET.owner, seenAt: QUIET.seenAt + 1 },
      ],
    );
    expect(ends.get("j")?.finishedAt).toBe(QUIET.seenAt);
  });

  it("did not with the events of what may be another's, as neither is known to have signed in", async () => {
    const unknown = { owner: "claimed both", seenAt: undefined };
    const events = [created("j"), created("other"), progress("other", late)];
    const ends = await endsOf(events, [
      { jobId: "j", ...unknown },
      { jobId: "other", ...unknown },
    ]);
    expect(ends.get("j")?.finishedAt).toBe(START_MS);
  });

  it("did not with what others told of them: an end, a later run", async () => {
    const ended = ["ended", "reused"].map(created);
    const others = [
      eventAt(late, "orchestra.job.failed", "ended"),
      eventAt(late, "orchestra.job.created", "reused"),
    ];
    const jobs = ["j", "ended", "reused"].map((jobId) => ({ jobId, ...QUIET }));
    const ends = await endsOf([created("j"), ...ended, ...others], jobs);
    expect([...ends.keys()]).toEqual(["j"]);
    expect(ends.get("j")?.finishedAt).toBe(QUIET.seenAt);
  });
});
