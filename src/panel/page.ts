/** What all parts of the page share: the feed, the time, what is shown, and which dialog is open. */
import { signal } from "@preact/signals";
import { connectShared } from "../client/index.ts";
import { createClock } from "./live/clock.ts";
import { onNextFrame } from "./live/frames.ts";
import { Live } from "./live/live.ts";
import { ALL_JOBS, formatRoute, parseRoute, type Route } from "./route.ts";

export const live = new Live({
  connect: (handlers) => connectShared({ url: "", ...handlers }),
  schedule: onNextFrame,
  now: Date.now,
});

export const now = createClock({
  now: Date.now,
  everySecond: (callback) => {
    const timer = setInterval(callback, 1_000);
    return () => clearInterval(timer);
  },
});

export const route = signal<Route>({ view: "health" });

/** The dialog that is open. For signing in, what it is needed for and what to do when it is done. */
export type OpenDialog =
  | { kind: "help" | "settings" }
  | { kind: "sign-in"; why: string; onSignedIn: () => void }
  | { kind: "cancel"; jobId: string };

export const dialog = signal<OpenDialog | undefined>(undefined);

/** The list of jobs as it was last looked at, to go back to. */
export const list = signal<Route>({ view: "jobs", filter: ALL_JOBS, grouping: "none" });

/** Shows another view, as a link would. */
export function go(next: Route): void {
  location.hash = formatRoute(next);
}

/** Changes how the view at hand is shown; going back does not undo each letter that was typed. */
export function adjust(next: Route): void {
  history.replaceState(null, "", formatRoute(next));
  show(next);
}

/** Shows what the address says, now and whenever it changes. */
export function followAddress(): void {
  const follow = () => show(parseRoute(location.hash));
  addEventListener("hashchange", follow);
  follow();
}

function show(next: Route): void {
  route.value = next;
  if (next.view === "jobs") list.value = next;
}
