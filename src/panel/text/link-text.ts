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

/** What that means. */
export function detailOf(link: Link): string {
  if (link.state === "waiting") return link.message;
  if (link.state === "closed") return link.error?.message ?? "The connection was closed";
  return link.state === "open" ? "Everything shown is current" : "Reading the jobs and the feed";
}
