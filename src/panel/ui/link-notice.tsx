import { type Signal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { Link } from "../live/live.ts";
import { live } from "../page.ts";
import { detailOf, wordOf } from "../text/link-text.ts";
import { Icon } from "./icon.tsx";

/** How long the connection has to be in a state until it is told of: a moment's loss is no news. */
export const SETTLED_MS = 1_500;

/** Why what is shown is not live, and what to do. It is spoken where the state of the connection is. */
export function LinkNotice() {
  const trouble = useTrouble();
  const isTrouble = useComputed(() => trouble.value !== undefined);
  const isSettled = useSignal(false);
  useSignalEffect(() => {
    isSettled.value = false;
    if (!isTrouble.value) return;
    const timer = setTimeout(() => {
      isSettled.value = true;
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  });
  const link = trouble.value;
  if (link === undefined || !isSettled.value) return null;
  return (
    <section class="notice is-warning" aria-label="Connection">
      <Icon name="warning" />
      <p>
        <strong>{wordOf(link)}.</strong> {detailOf(link)}
      </p>
      <button type="button" onClick={() => live.start()}>
        {commandOf(link)}
      </button>
    </section>
  );
}

/** The state that is no good, also while another attempt is under way. */
function useTrouble(): Signal<Link | undefined> {
  const trouble = useSignal<Link | undefined>(undefined);
  useSignalEffect(() => {
    const link = live.link.value;
    if (link.state === "open") trouble.value = undefined;
    else if (link.state !== "connecting") trouble.value = link;
  });
  return trouble;
}

function commandOf(link: Link): string {
  if (link.state !== "closed") return "Try now";
  return link.error?.status === 401 ? "Sign in" : "Connect again";
}
