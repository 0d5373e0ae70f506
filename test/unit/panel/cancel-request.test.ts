import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../../src/event/event.ts";
import type { JobSnapshot } from "../../../src/event/job-snapshot.ts";
import { BridgeError } from "../../../src/panel/bridge-api.ts";
import { CancelRequest } from "../../../src/panel/job/cancel-request.ts";
import { jobEvent } from "../../fixtures/job-story.ts";
import { ended, job } from "./panel-jobs.ts";

const refused = (code: string) => new BridgeError("what it says", 400, code);
const failed = (status: number) => new BridgeError("what it says", status, "");

/** A request whose server is answered for by the test. */
function start() {
  const cancels: string[] = [];
  const reads: PromiseWithResolvers<{ job: JobSnapshot }>[] = [];
  const rig = {
    cancels,
    reads,
    isWatched: true,
    cancel: async (): Promise<void> => {},
    tell: (_events: readonly JobEvent[]) => {},
  };
  const request = new CancelRequest({
    jobId: "j",
    cancel: (jobId, reason) => {
      cancels.push(`${jobId} ${reason}`);
      return rig.cancel();
    },
    read: () => {
      const answer = Promise.withResolvers<{ job: JobSnapshot }>();
      reads.push(answer);
      return answer.promise;
    },
    watch: (_jobId, handler) => {
      rig.tell = handler;
      return () => {
        rig.isWatched = false;
      };
    },
    now: () => 7,
  });
  return { rig, request };
}

describe("a request to cancel a job", () => {
  it("waits for the job's end, as its events tell it", async () => {
    const { rig, request } = start();
    expect(request.progress.value).toBeUndefined();
    rig.tell([jobEvent("orchestra.job.progress", "j")]);
    expect(request.progress.value).toBeUndefined();
    const asked = request.ask(" enough ");
    expect(request.progress.value).toEqual({ step: "asking" });
    await asked;
    expect(rig.cancels).toEqual(["j enough"]);
    expect(request.progress.value).toEqual({ step: "asked", at: 7 });
    rig.tell([jobEvent("orchestra.job.progress", "j")]);
    expect(request.progress.value).toMatchObject({ step: "asked" });
    rig.tell([jobEvent("orchestra.job.canceled", "j"), jobEvent("orchestra.job.reported", "j")]);
    expect(request.progress.value).toMatchObject({ step: "ended", job: { status: "canceled" } });
  });

  it("is not undone by an answer that comes after the job's end", async () => {
    const { rig, request } = start();
    const answer = Promise.withResolvers<void>();
    rig.cancel = () => answer.promise;
    const asked = request.ask("");
    rig.tell([jobEvent("orchestra.job.completed", "j")]);
    answer.resolve();
    await asked;
    expect(request.progress.value).toMatchObject({ step: "ended", job: { status: "succeeded" } });
  });

  it("asks the server for a job that the page has let go of", async () => {
    const { rig, request } = start();
    await request.check();
    expect(rig.reads).toHaveLength(0);
    await request.ask("");
    const goesOn = request.check();
    rig.reads[0]?.resolve({ job: job("j") });
    await goesOn;
    expect(request.progress.value).toMatchObject({ step: "asked" });
    const hasEnded = request.check();
    rig.reads[1]?.resolve({ job: ended("j", 2_000) });
    await hasEnded;
    expect(request.progress.value).toMatchObject({ step: "ended", job: { status: "succeeded" } });
  });

  it.each([
    [refused("UNKNOWN_JOB"), { step: "gone" }],
    // Its events may still tell.
    [refused("UNAVAILABLE"), { step: "asked", at: 7 }],
    [new TypeError("Failed to fetch"), { step: "asked", at: 7 }],
  ])("says that the job is gone when the server says so, and only then: %#", async (error, progress) => {
    const { rig, request } = start();
    await request.ask("");
    const checked = request.check();
    rig.reads[0]?.reject(error);
    await checked;
    expect(request.progress.value).toEqual(progress);
  });

  it("says how a job that had ended before did", async () => {
    const { rig, request } = start();
    rig.cancel = () => Promise.reject(refused("ILLEGAL_TRANSITION"));
    const asked = request.ask("");
    await expect.poll(() => rig.reads.length).toBe(1);
    rig.reads[0]?.resolve({ job: ended("j", 2_000) });
    await asked;
    expect(request.progress.value).toEqual({
      step: "refused",
      why: "The job had ended before. It succeeded.",
    });
  });

  it.each([
    [new TypeError("Failed to fetch"), ended("j", 2_000, { status: "canceled" }), { step: "ended" }],
    [failed(504), ended("j", 2_000, { status: "canceled" }), { step: "ended" }],
    [failed(504), ended("j", 2_000), { step: "refused", why: "The job had ended before. It succeeded." }],
  ])(
    "has canceled the job when its answer was lost, and that is how it ended: %#",
    async (lost, end, progress) => {
      const { rig, request } = start();
      rig.cancel = () => Promise.reject(lost);
      await request.ask("");
      rig.cancel = () => Promise.reject(refused("ILLEGAL_TRANSITION"));
      const again = request.ask("");
      await expect.poll(() => rig.reads.length).toBe(1);
      rig.reads[0]?.resolve({ job: end });
      await again;
      expect(request.progress.value).toMatchObject(progress);
    },
  );

  it("does not take for its own what another has canceled before", async () => {
    const { rig, request } = start();
    rig.cancel = () => Promise.reject(refused("ILLEGAL_TRANSITION"));
    const asked = request.ask("");
    await expect.poll(() => rig.reads.length).toBe(1);
    rig.reads[0]?.resolve({ job: ended("j", 2_000, { status: "canceled" }) });
    await asked;
    const why = "The job had ended before. It was canceled.";
    expect(request.progress.value).toEqual({ step: "refused", why });
  });

  it.each([
    [() => Promise.reject(refused("UNKNOWN_JOB")), { step: "gone" }],
    [() => Promise.resolve({ job: job("j") }), { step: "refused" }],
    [() => Promise.reject(failed(504)), { step: "refused" }],
  ])("tells a job that is gone from one that another program runs: %#", async (read, progress) => {
    const { rig, request } = start();
    rig.cancel = () => Promise.reject(refused("UNKNOWN_JOB"));
    const asked = request.ask("");
    await expect.poll(() => rig.reads.length).toBe(1);
    read().then(rig.reads[0]?.resolve, rig.reads[0]?.reject);
    await asked;
    expect(request.progress.value).toMatchObject(progress);
  });

  it("may be made again when nobody has answered", async () => {
    const { rig, request } = start();
    rig.cancel = () => Promise.reject(new TypeError("Failed to fetch"));
    await request.ask("why");
    expect(request.progress.value).toEqual({ step: "unanswered" });
    rig.cancel = async () => {};
    await request.ask("why");
    expect(rig.cancels).toEqual(["j why", "j why"]);
    expect(request.progress.value).toMatchObject({ step: "asked" });
  });

  it("ends with who has made it", async () => {
    const { rig, request } = start();
    const answer = Promise.withResolvers<void>();
    rig.cancel = () => answer.promise;
    const asked = request.ask("");
    request.close();
    answer.reject(refused("UNAUTHORIZED"));
    await asked;
    expect(rig.isWatched).toBe(false);
    // Nobody is asked to sign in for a dialog that was closed.
    expect(request.progress.value).toEqual({ step: "asking" });
  });
});
