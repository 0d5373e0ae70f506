import { useSignal } from "@preact/signals";
import { live } from "../page.ts";
import { clock } from "../text/format.ts";
import { gapReason } from "../text/link-text.ts";
import { Icon } from "./icon.tsx";

/** A gap stays on the page until somebody has seen it. */
export function GapNotice() {
  const seen = useSignal(0);
  const [latest] = live.gaps.value;
  if (latest === undefined || latest.at <= seen.value) return null;
  const dismiss = () => {
    seen.value = latest.at;
  };
  return (
    <div class="notice is-warning" role="status">
      <Icon name="warning" />
      <p>
        <strong>Events were missed at {clock(latest.at)}</strong>, as {gapReason(latest)}. The list of jobs is
        read again; what happened in between is shown by its result only.
      </p>
      <a href="#/health">Details</a>
      <button type="button" class="quiet" onClick={dismiss}>
        <Icon name="close" />
        <span class="visually-hidden">Dismiss</span>
      </button>
    </div>
  );
}
