/** What all parts of the page share: the feed, the time, what is shown, and which dialog is open. */
import { signal } from "@preact/signals";
import { connectShared } from "../client/index.ts";
import { bridge, serverClock } from "./bridge-api.ts";
import { LateAddress } from "./late-address.ts";
import { createClock } from "./live/clock.ts";
import { watchClock } from "./live/clock-jump.ts";
import { onNextFrame } from "./live/frames.ts";
import { Live } from "./live/live.ts";
import { ALL_JOBS, formatRoute, parseRoute, type Route } from "./route.ts";

export const live = new Live({
  connect: (options) => connectShared({ url: "", ...options }),
  schedule: onNextFrame,
  now: serverClock.now,
});

const hasClockJumped = watchClock({ now: Date.now, steady: () => performance.now() });

export const now = createClock({
  now: serverClock.now,
  everySecond: (callback) => {
    const timer = setInterval(() => {
      // What would be shown until then may be hours off.
      if (hasClockJumped()) void learnTime().then(callback);
      else callback();
    }, 1_000);
    return () => clearInterval(timer);
  },
});

export const route = signal<Route>({ view: "health" });

/**
 * The dialog that is open. For signing in, what it is needed for and what to do when it is done; for canceling,
 * the reason if the question has been answered already.
 */
export type OpenDialog =
  | { kind: "help" | "settings" }
  | { kind: "sign-in"; why: string; onSignedIn: () => void }
  | { kind: "cancel"; jobId: string; confirmed?: string };

export const dialog = signal<OpenDialog | undefined>(undefined);

/** The list of jobs as it was last looked at, to go back to. */
export const list = signal<Route>({ view: "jobs", filter: ALL_JOBS, grouping: "none" });

/** The address that is shown. */
let followed = "";

const address = new LateAddress({
  write: (text) => {
    // Another has been given that is about to be followed.
    if (location.hash !== followed) return;
    history.replaceState(null, "", text);
    followed = location.hash;
  },
  schedule: (callback, delayMs) => void setTimeout(callback, delayMs),
});

/** Where the bridge says that traces are shown; empty for nowhere. */
export const bridgeTemplate = signal("");

/** Why a job was to be canceled, as far as it was typed by somebody who did not sign in then. */
export const keptReason = signal<{ jobId: string; reason: string } | undefined>(undefined);

/** The row of the list that was looked at last, and the groups that are closed: to find when coming back. */
export const activeRow = signal<string | undefined>(undefined);
export const closedGroups = signal<ReadonlySet<string>>(new Set());

/** Shows another view, as a link would. */
export function go(next: Route): void {
  address.flush();
  location.hash = formatRoute(next);
}

/** Changes how the view at hand is shown; going back does not undo each letter that was typed. */
export function adjust(next: Route): void {
  show(next);
  address.set(formatRoute(next));
}

/** Shows what the address says, now and whenever it changes. */
export function followAddress(): void {
  const follow = () => {
    address.drop();
    followed = location.hash;
    show(parseRoute(location.hash));
  };
  addEventListener("hashchange", follow);
  // A link leads away: what is left is to be as it was when somebody comes back.
  addEventListener("click", () => address.flush(), { capture: true });
  addEventListener("pagehide", () => address.flush());
  follow();
}

function show(next: Route): void {
  route.value = next;
  if (next.view === "jobs") list.value = next;
}

/** By any answer. */
async function learnTime(): Promise<void> {
  try {
    await bridge.status();
  } catch {
    // It is asked again as soon as the feed is connected again.
  }
}
