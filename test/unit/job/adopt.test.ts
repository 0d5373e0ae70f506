import { describe, expect, it } from "vitest";
import { type JobEventKind, WorkerJobRegistry } from "../../../src/index.ts";

const left = {
  id: "j",
  workerId: "w",
  sessionId: "s",
  message: "m",
  status: "running",
  startedAt: 1_000,
  updatedAt: 2_000,
} as const;

describe("a job that is adopted", () => {
  it("is held as it was left, without a callback, and goes on from there", () => {
    const registry = new WorkerJobRegistry({ now: () => 5_000 });
    const events: JobEventKind[] = [];
    registry.onJobEvent((_job, event) => events.push(event));
    registry.adopt("j");
    expect(registry.isAdopted("j")).toBe(true);
    expect(registry.get("j")).toBeUndefined();
    expect(registry.resume(left)).toMatchObject({ ...left, queuedAt: undefined });
    expect(registry.isAdopted("j")).toBe(false);
    expect(events).toEqual([]);
    expect(registry.setResult("j")).toMatchObject({ status: "succeeded", durationMs: 4_000 });
    expect(events).toEqual(["completed"]);
  });

  it("is resumed once, and only when it was announced", () => {
    const registry = new WorkerJobRegistry();
    expect(registry.resume(left)).toBeUndefined();
    expect(registry.list()).toEqual([]);
    registry.adopt("j");
    registry.resume(left);
    expect(registry.resume(left)).toBeUndefined();
  });

  it.each([undefined, "", 7])("is not announced by the id %j", (id) => {
    const registry = new WorkerJobRegistry();
    expect(() => registry.adopt(id as string)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", path: "id" }),
    );
  });

  it("is not one that is held already", () => {
    const registry = new WorkerJobRegistry();
    registry.create({ id: "j", workerId: "w", message: "m" });
    expect(() => registry.adopt("j")).toThrow(expect.objectContaining({ code: "DUPLICATE_JOB", path: "id" }));
  });
});
