import { describe, expect, it } from "vitest";
import { Guard } from "../../../src/host/opencode-guard.ts";

const broken = () => {
  throw new Error("a bug");
};

describe("the guard", () => {
  it("lets through what works", async () => {
    const told: unknown[] = [];
    const guard = new Guard(() => {});
    expect(guard.run("here", () => 1)).toBe(1);
    expect(await guard.runLong("here", async () => 2)).toBe(2);
    await guard.hook("hook", (...args: number[]) => void told.push(...args))(1, 2);
    expect(told).toEqual([1, 2]);
    expect(guard.faults).toEqual({});
  });

  it("counts what is thrown, and tells of the first", async () => {
    const told: unknown[] = [];
    const guard = new Guard((where, error) => told.push([where, (error as Error).message]));
    expect(guard.run("here", broken)).toBeUndefined();
    await guard.hook("here", broken)();
    expect(await guard.runLong("there", async () => broken())).toBeUndefined();
    expect(await guard.runLong("elsewhere", broken)).toBeUndefined();
    expect(guard.faults).toEqual({ here: 2, there: 1, elsewhere: 1 });
    expect(told).toEqual([
      ["here", "a bug"],
      ["there", "a bug"],
      ["elsewhere", "a bug"],
    ]);
  });

  it("bears that whoever is told fails as well", () => {
    const guard = new Guard(broken);
    expect(guard.run("here", broken)).toBeUndefined();
    expect(guard.faults).toEqual({ here: 1 });
  });
});
