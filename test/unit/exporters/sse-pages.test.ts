import { describe, expect, it } from "vitest";
import { SsePages, type SseStretch } from "../../../exporters/sse-pages.ts";
import { SseWindow } from "../../../exporters/sse-window.ts";
import type { EventRecord } from "../../../src/event/event-log.ts";
import { readStream } from "../../fixtures/sse-connection.ts";
import { errorEvent, range } from "../../fixtures/sse-feed.ts";

function records(from: number, to: number, padding = 0): EventRecord[] {
  return range(from, to).map((n) => ({ ...errorEvent(n + " ".repeat(padding)), cursor: `e-${n}` }));
}

function idsOf(stretch: SseStretch | undefined): string[] {
  return readStream([stretch?.bytes ?? Buffer.alloc(0)]).events.map(({ id }) => id as string);
}

const ids = (from: number, to: number) => range(from, to).map((n) => `e-${n}`);
const READ = { signature: "all", after: "e-0", next: "e-10" };

describe("what was read", () => {
  it("is found from wherever in it a client stands, as a view of the same bytes", () => {
    const pages = new SsePages(new SseWindow());
    const whole = pages.stretchOf({ ...READ, records: records(1, 10) });
    for (const at of range(0, 9)) {
      const stretch = pages.after("all", `e-${at}`);
      expect(idsOf(stretch)).toEqual(ids(Number(at) + 1, 10));
      expect(stretch).toMatchObject({ events: 10 - Number(at), next: "e-10" });
      expect(stretch?.bytes.buffer).toBe(whole.bytes.buffer);
    }
    expect(pages.after("all", "e-10")).toBeUndefined();
    expect(pages.after("some", "e-0")).toBeUndefined();
    expect(pages.after("all", undefined)).toBeUndefined();
  });

  it("counts bytes, not characters", () => {
    const pages = new SsePages(new SseWindow());
    const accented = ["é", "漢字", "🙂"].map((text, index) => ({
      ...errorEvent(text),
      cursor: `e-${index + 1}`,
    }));
    pages.stretchOf({ ...READ, records: accented });
    expect(idsOf(pages.after("all", "e-2"))).toEqual(["e-3"]);
  });

  it("ends after about 64 KiB, and goes on from there", () => {
    const pages = new SsePages(new SseWindow());
    const all = records(1, 10, 20_000);
    const first = pages.stretchOf({ ...READ, records: all });
    expect(first).toMatchObject({ events: 4, next: "e-4" });
    const second = pages.stretchOf({ ...READ, after: "e-4", records: all.slice(4) });
    expect(pages.after("all", "e-4")?.bytes).toBe(second.bytes);
  });

  it("reaches past what the filter left out at its end", () => {
    const pages = new SsePages(new SseWindow());
    expect(pages.stretchOf({ ...READ, records: records(1, 3), next: "e-99" }).next).toBe("e-99");
  });

  it("is recognised by its first record when it was read from the oldest on", () => {
    const pages = new SsePages(new SseWindow());
    const all = records(1, 10);
    const first = pages.stretchOf({ ...READ, after: undefined, records: all });
    const second = pages.stretchOf({ ...READ, after: undefined, records: all });
    expect(second).toEqual(first);
    expect(second.bytes).toBe(first.bytes);
    expect(idsOf(pages.stretchOf({ ...READ, after: "e-4", records: all.slice(4) }))).toEqual(ids(5, 10));
    expect(idsOf(pages.after("all", "e-5"))).toEqual(ids(6, 10));
  });

  it("is let go of, oldest first, beyond the limit, and all at once when nobody needs it", () => {
    const pages = new SsePages(new SseWindow(), { maxBytes: 9_000 });
    pages.stretchOf({ ...READ, after: "e-0", records: records(1, 3, 2_000), next: "e-3" });
    pages.stretchOf({ ...READ, after: "e-3", records: records(4, 6, 1_000), next: "e-6" });
    pages.stretchOf({ ...READ, after: "e-2", records: records(3, 3), next: "e-3" });
    expect(idsOf(pages.after("all", "e-0"))).toEqual([]);
    expect(idsOf(pages.after("all", "e-3"))).toEqual(ids(4, 6));
    pages.clear();
    expect(pages.after("all", "e-3")).toBeUndefined();
  });

  it("stays reachable where a newer stretch begins at the same place", () => {
    const pages = new SsePages(new SseWindow(), { maxBytes: 800 });
    for (const padding of [300, 400]) {
      pages.stretchOf({ ...READ, records: records(1, 1, padding), next: "e-1" });
    }
    expect(pages.after("all", "e-0")?.bytes.length).toBeGreaterThan(500);
  });
});
