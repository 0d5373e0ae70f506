import type { JobStatus } from "../../job/job.ts";
import { Icon } from "./icon.tsx";

/** A status by shape, colour and word. */
export function Status({ status }: { status: JobStatus }) {
  return (
    <span class={`status is-${status}`}>
      <Icon name={status} />
      <span class="word">{statusWord(status)}</span>
    </span>
  );
}

export function statusWord(status: JobStatus): string {
  return status[0]?.toUpperCase() + status.slice(1);
}
