import { expect, it } from "vitest";
import { FeedError } from "../../../src/client/index.ts";
import type { GapNote, Link } from "../../../src/panel/live/live.ts";
import { detailOf, gapReason, wordOf } from "../../../src/panel/text/link-text.ts";

const refused = (status: number) => new FeedError("why", { status, code: "CODE" });

const AWAY =
  "The server does not answer. See whether it still runs, and whether it can be reached from here. This page goes on by itself as soon as it answers.";
const TROUBLED = "The server cannot serve this page just now: why. This page tries again by itself.";

it.each<[Link, string, string]>([
  [{ state: "open" }, "Live", "Everything shown is current"],
  [{ state: "connecting" }, "Connecting", "Reading the jobs and the feed"],
  [{ state: "waiting", error: new TypeError("Failed to fetch"), retryAt: 1 }, "Reconnecting", AWAY],
  [{ state: "waiting", error: refused(503), retryAt: 1 }, "Reconnecting", TROUBLED],
  [
    { state: "closed", error: refused(401) },
    "Signed out",
    "Jobs are shown only to who has the token. Sign in to go on.",
  ],
  [{ state: "closed", error: refused(403) }, "Refused", "The server lets nobody in from here: why."],
  [{ state: "closed", error: undefined }, "Closed", "The connection was closed."],
])("tells how the page is connected: %#", (link, word, detail) => {
  expect([wordOf(link), detailOf(link)]).toEqual([word, detail]);
});

it("tells why there is a gap, also for reasons that it does not know", () => {
  const note = (reason: string) => gapReason({ reason } as GapNote);
  expect(note("epoch")).toBe("the log was started anew");
  expect(note("moonlight")).toBe("moonlight");
});
