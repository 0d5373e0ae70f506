import { describe, expect, it } from "vitest";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import { encodeEvent } from "../../../src/event/event-json.ts";
import type { UnplacedEvent } from "../../../src/event/event-log.ts";
import { openLeasedLog, ownersIn } from "../../fixtures/leased-log.ts";
import { append, jobEvent, openTestLog, openTestStore } from "../../fixtures/sqlite-logs.ts";

/** The same job's event under an id of its own, as of another run. */
function ofRun(run: number, { event }: UnplacedEvent): UnplacedEvent {
  return encodeEvent({ ...event, id: `${run}: ${event.id}` } as OrchestratorEvent);
}

const created = (run: number, source: string) =>
  ofRun(run, jobEvent("created", { jobId: "nightly", source }));
const completed = (run: number) => ofRun(run, jobEvent("completed", { jobId: "nightly", revision: 1 }));

describe("an open job", () => {
  it("belongs to the lease of the process that wrote its beginning, or to nobody", async () => {
    const { log, leases, store } = await openLeasedLog({ source: "us" });
    log.append([
      jobEvent("created", { jobId: "of-another", source: "another" }),
      jobEvent("created", { jobId: "of-unknown" }),
      jobEvent("created", { jobId: "ours", source: "us" }),
    ]);
    expect(ownersIn(store)).toEqual({ "of-another": null, "of-unknown": null, ours: leases.id });
  });

  it("belongs to nobody in a log without a lease", async () => {
    const { log, store } = await openTestLog();
    log.append([jobEvent("created", { jobId: "unknown" })]);
    expect(ownersIn(store)).toEqual({ unknown: null });
  });

  it("is told apart from another process's of the same source", async () => {
    const first = await openLeasedLog({ source: "same" });
    const second = await openLeasedLog({ source: "same", store: first.store });
    first.begin("a");
    second.begin("b");
    expect(ownersIn(first.store)).toEqual({ a: first.leases.id, b: second.leases.id });
  });

  it.each([
    [["created 1", "completed 1"], false],
    [["completed 1", "created 2"], true],
    [["created 1", "completed 1", "created 2"], true],
    [["created 1", "created 2", "completed 2"], false],
  ])("is what a batch leaves open: %j", async (batch, isOpen) => {
    const { log, store } = await openLeasedLog({ source: "us" });
    const events: Record<string, UnplacedEvent> = {
      "created 1": created(1, "us"),
      "completed 1": completed(1),
      "created 2": created(2, "us"),
      "completed 2": completed(2),
    };
    log.append(batch.map((name) => events[name] as UnplacedEvent));
    expect(Object.keys(ownersIn(store))).toEqual(isOpen ? ["nightly"] : []);
  });

  it("is not confused by ill-made events", async () => {
    const { log, store } = await openLeasedLog({ source: "s" });
    const { event } = jobEvent("created", { jobId: "x", source: "s" });
    const hostile = [undefined, null, {}, { jobId: 7 }].map((data, index) => {
      const bad = { ...event, id: `${index}`, source: index as never, data: data as never };
      return { event: bad as typeof event, json: JSON.stringify(bad) };
    });
    log.append(hostile);
    expect(log.stats().degraded).toBe(false);
    expect(ownersIn(store)).toEqual({});
  });
});

describe("a job id that is used again while an earlier run is open", () => {
  it("belongs to who used it last: that run is found, and its end is the end", async () => {
    const first = await openLeasedLog({ source: "first" });
    const second = await openLeasedLog({ source: "second", store: first.store });
    first.log.append([created(1, "first")]);
    second.log.append([created(2, "second")]);
    expect(ownersIn(first.store)).toEqual({ nightly: second.leases.id });
    second.leases.release();
    const [orphan, ...rest] = first.leases.claimOrphans();
    expect([orphan?.jobId, rest]).toEqual(["nightly", []]);
    const { records } = first.log.read({ after: orphan?.after });
    expect(records.map(({ event }) => event.source)).toEqual(["second"]);
    first.log.append([completed(2)]);
    expect(ownersIn(first.store)).toEqual({});
  });

  it("is not ended with the earlier one's process when it was posted from afar", async () => {
    const { log, leases, store } = await openLeasedLog({ source: "us" });
    log.append([created(1, "us")]);
    log.append([created(2, "afar")]);
    leases.release();
    const next = await openLeasedLog({ source: "next", store });
    expect(next.leases.claimOrphans()).toEqual([]);
  });
});

describe("open jobs whose beginning retention has removed", () => {
  async function openFull(source: string) {
    const { store, leases, begin } = await openLeasedLog({ source: "us" });
    begin("ours");
    const { log } = await openTestLog({ store, retention: { maxEvents: 600 } });
    const post = (from: number, count: number) =>
      log.append(
        Array.from({ length: count }, (_, index) =>
          jobEvent("created", { jobId: `${from + index}`, source }),
        ),
      );
    const open = () => Object.values(ownersIn(store));
    return { log, leases, post, open };
  }

  it("stay when a process answers for them, and go when nobody does", async () => {
    const { log, leases, post, open } = await openFull("afar");
    for (let from = 0; from < 6_000; from += 100) post(from, 100);
    const { events } = log.stats();
    expect(events).toBeLessThanOrEqual(600);
    expect(open().filter((owner) => owner === null)).toHaveLength(events);
    expect(open().filter((owner) => owner === leases.id)).toHaveLength(1);
  });

  it("go a bounded number at a time", async () => {
    const store = await openTestStore();
    const { log } = await openTestLog({ store });
    log.append(Array.from({ length: 3_000 }, (_, index) => jobEvent("created", { jobId: `${index}` })));
    const narrow = await openTestLog({ store, retention: { maxEvents: 10 } });
    const left: number[] = [];
    for (const id of ["a", "b", "c", "d", "e", "f", "g"]) {
      await append(narrow.log, id);
      left.push(Object.keys(ownersIn(store)).length);
    }
    expect(left.slice(0, 3)).toEqual([3_000 - 512, 3_000 - 1_024, 3_000 - 1_536]);
    expect(left.at(-1)).toBe(3);
  });
});
