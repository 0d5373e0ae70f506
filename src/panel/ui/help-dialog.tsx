import { JOB_STATUSES, type JobStatus } from "../../job/job.ts";
import { Dialog } from "./dialog.tsx";
import { Status } from "./status.tsx";

const KEYS = [
  ["j, ↓", "Next job"],
  ["k, ↑", "Previous job"],
  ["Enter", "Open the job, or open and close its group"],
  ["/", "Search"],
  ["Esc", "Leave the search, a dialog or a job"],
  ["c", "Cancel the job that is shown"],
  ["+, −, ←, →", "Zoom and move the timeline"],
  ["1 to 4", "Jobs, timeline, workers, health"],
  ["?", "This help"],
] as const;

const MEANINGS: Readonly<Record<JobStatus, string>> = {
  queued: "waits for its worker",
  running: "is being worked on",
  succeeded: "ended with a result",
  failed: "ended with an error",
  canceled: "was ended on request",
};

export function HelpDialog() {
  return (
    <Dialog title="Help">
      <h3>Keys</h3>
      <dl class="keys">
        {KEYS.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              {keys.split(", ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <h3>What the signs mean</h3>
      <dl class="keys">
        {JOB_STATUSES.map((status) => (
          <div key={status}>
            <dt>
              <Status status={status} />
            </dt>
            <dd>{MEANINGS[status]}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
