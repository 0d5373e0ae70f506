import { useSignal } from "@preact/signals";
import type { GapNote } from "../live/live.ts";
import { live } from "../page.ts";
import { clock } from "../text/format.ts";
import { gapReason } from "../text/link-text.ts";
import { Icon } from "./icon.tsx";

/** A gap stays on the page until somebody has seen it. */
export function GapNotice() {
  // Not by its time: a clock that is set back must hide no gap.
  const seen = useSignal<GapNote | undefined>(undefined);
  const [latest] = live.gaps.value;
  const dismiss = () => {
    seen.value = latest;
  };
  // What speaks has to be there before it has something to say.
  return (
    <div role="status">
      {latest !== undefined && latest !== seen.value && <Notice gap={latest} onDismiss={dismiss} />}
    </div>
  );
}

function Notice({ gap, onDismiss }: { gap: GapNote; onDismiss: () => void }) {
  return (
    <div class="notice is-warning">
      <Icon name="warning" />
      <p>
        <strong>Events were missed at {clock(gap.at)}</strong>, as {gapReason(gap)}. The list of jobs is read
        again; what happened in between is shown by its result only.
      </p>
      <a href="#/health">Details</a>
      <button type="button" class="quiet" onClick={onDismiss}>
        <Icon name="close" />
        <span class="visually-hidden">Dismiss</span>
      </button>
    </div>
  );
}
