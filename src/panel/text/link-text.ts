import { FeedError } from "../../client/index.ts";
import type { GapNote, Link } from "../live/live.ts";

const REASONS: Readonly<Record<string, string>> = {
  evicted: "the log no longer reaches back to where this page was",
  epoch: "the log was started anew",
  future: "the log is behind what this page has seen",
  malformed: "the server did not know the place where this page was",
  oversized: "an event was too long to be read",
};

export function gapReason({ reason }: GapNote): string {
  return REASONS[reason] ?? reason;
}

/** What is the matter when nobody answers, and what to do about it. */
export const UNREACHABLE =
  "The server does not answer. See whether it still runs, and whether it can be reached from here.";

/** How the page is connected, in a word. */
export function wordOf(link: Link): string {
  switch (link.state) {
    case "open":
      return "Live";
    case "connecting":
      return "Connecting";
    case "waiting":
      return "Reconnecting";
    case "closed":
      if (link.error === undefined) return "Closed";
      return link.error.status === 401 ? "Signed out" : "Refused";
  }
}

/** What that means, and what to do about it. */
export function detailOf(link: Link): string {
  switch (link.state) {
    case "open":
      return "Everything shown is current";
    case "connecting":
      return "Reading the jobs and the feed";
    case "waiting":
      return link.error instanceof FeedError
        ? `The server cannot serve this page just now: ${link.error.message}. This page tries again by itself.`
        : `${UNREACHABLE} This page goes on by itself as soon as it answers.`;
    case "closed":
      return closedText(link.error);
  }
}

function closedText(error: FeedError | undefined): string {
  if (error === undefined) return "The connection was closed.";
  return error.status === 401
    ? "Jobs are shown only to who has the token. Sign in to go on."
    : `The server lets nobody in from here: ${error.message}.`;
}
