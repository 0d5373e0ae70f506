import { describe, expect, it } from "vitest";
import { StatusReader } from "../../../src/panel/health/status-reader.ts";

const MADE = (made: number) => ({ events: { made } });

/** A reader whose time goes on, and whose questions are answered, when the test says so. */
function start() {
  const asked: PromiseWithResolvers<unknown>[] = [];
  const waiting = new Set<() => void>();
  const rig = { asked, waiting, isHidden: false, now: 1_000 };
  const reader = new StatusReader({
    read: () => {
      const answer = Promise.withResolvers<unknown>();
      asked.push(answer);
      return answer.promise;
    },
    later: (callback) => {
      waiting.add(callback);
      return () => void waiting.delete(callback);
    },
    isHidden: () => rig.isHidden,
    now: () => rig.now,
  });
  const goOn = () => {
    const [callback] = waiting;
    if (callback === undefined) throw new Error("Nothing is waited for");
    waiting.delete(callback);
    callback();
  };
  return { rig, reader, goOn };
}

describe("the reader of the status", () => {
  it("asks again only after it was answered", async () => {
    const { rig, reader, goOn } = start();
    reader.start();
    expect([rig.asked.length, rig.waiting.size]).toEqual([1, 0]);
    rig.asked[0]?.resolve(MADE(1));
    await expect.poll(() => rig.waiting.size).toBe(1);
    expect(reader.known.value).toMatchObject({ at: 1_000, groups: [{ title: "Events" }] });
    goOn();
    expect(rig.asked.length).toBe(2);
  });

  it("keeps what it knows when it cannot read, with what is wrong, until it can again", async () => {
    const { rig, reader, goOn } = start();
    const error = new Error("no");
    reader.start();
    rig.asked[0]?.resolve(MADE(1));
    await expect.poll(() => rig.waiting.size).toBe(1);
    goOn();
    rig.asked[1]?.reject(error);
    await expect.poll(() => reader.fault.value).toBe(error);
    expect(reader.known.value).toMatchObject({ at: 1_000 });
    rig.now = 5_000;
    await expect.poll(() => rig.waiting.size).toBe(1);
    goOn();
    // Not before it has an answer.
    expect(reader.fault.value).toBe(error);
    rig.asked[2]?.resolve(MADE(2));
    await expect.poll(() => reader.fault.value).toBeUndefined();
    expect(reader.known.value).toMatchObject({ at: 5_000 });
  });

  it("asks nothing while nobody looks", () => {
    const { rig, reader, goOn } = start();
    rig.isHidden = true;
    reader.start();
    expect([rig.asked.length, rig.waiting.size]).toEqual([0, 1]);
    rig.isHidden = false;
    goOn();
    expect(rig.asked.length).toBe(1);
  });

  it("takes no answer once it was stopped", async () => {
    const { rig, reader } = start();
    reader.start();
    reader.stop();
    rig.asked[0]?.resolve(MADE(1));
    await rig.asked[0]?.promise;
    expect([reader.known.value, rig.waiting.size]).toEqual([undefined, 0]);
    reader.start();
    rig.asked[1]?.resolve(MADE(2));
    await expect.poll(() => rig.waiting.size).toBe(1);
    reader.stop();
    expect(rig.waiting.size).toBe(0);
  });
});
