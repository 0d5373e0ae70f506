import { expect, it } from "vitest";
import { FeedError } from "../../../src/client/index.ts";
import type { GapNote, Link } from "../../../src/panel/live/live.ts";
import { detailOf, gapReason, wordOf } from "../../../src/panel/text/link-text.ts";

const refused = (status: number) => new FeedError("why", { status, code: "CODE" });

it.each<[Link, string, string]>([
  [{ state: "open" }, "Live", "Everything shown is current"],
  [{ state: "connecting" }, "Connecting", "Reading the jobs and the feed"],
  [{ state: "waiting", message: "gone", retryAt: 1 }, "Reconnecting", "gone"],
  [{ state: "closed", error: refused(401) }, "Signed out", "why"],
  [{ state: "closed", error: refused(403) }, "Refused", "why"],
  [{ state: "closed", error: undefined }, "Closed", "The connection was closed"],
])("tells how the page is connected: %#", (link, word, detail) => {
  expect([wordOf(link), detailOf(link)]).toEqual([word, detail]);
});

it("tells why there is a gap, also for reasons that it does not know", () => {
  const note = (reason: string) => gapReason({ reason } as GapNote);
  expect(note("epoch")).toBe("the log was started anew");
  expect(note("moonlight")).toBe("moonlight");
});
