import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { wholePercent } from "../../event/whole-percent.ts";
import { progressPoints } from "../job/job-events.ts";
import { cutNote, wholeText } from "../job/whole-text.ts";
import { clock } from "../text/format.ts";
import { percentOf, progressText } from "../text/progress-text.ts";
import { spread } from "../timeline/progress-marks.ts";
import { CopyButton } from "../ui/copy.tsx";
import { ProgressBar } from "../ui/progress.tsx";

export interface JobResultProps {
  job: JobSnapshot;
  events: readonly JobEvent[];
  /** Whether the job has not ended, as far as anybody knows. */
  isGoing: boolean;
}

/** The task, how far it is or how it ended, and what its worker says of it. */
export function JobResult({ job, events, isGoing }: JobResultProps) {
  const { message, messageLength, progress, error, errorType, reason, responsePreview, responseLength } = job;
  return (
    <section class="card result" aria-labelledby="result-title">
      <h2 id="result-title">Task and result</h2>
      {message !== undefined && (
        <LongText name="Task" text={wholeText(message, events, "message")} length={messageLength} />
      )}
      {progress !== undefined && (
        <div class="result-progress">
          <h3>Progress</h3>
          {/* One that moves without an end would say that the job does. */}
          {(isGoing || percentOf(progress) !== undefined) && <ProgressBar progress={progress} />}
          <p>{progressText(progress)}</p>
          <ProgressChart events={events} />
        </div>
      )}
      {error !== undefined && (
        <LongText
          name={errorType === undefined ? "Error" : `Error: ${errorType}`}
          text={wholeText(error, events, "error")}
          isFault
        />
      )}
      {reason !== undefined && (
        <LongText name="Canceled because" text={wholeText(reason, events, "reason")} />
      )}
      {responsePreview !== undefined && (
        <LongText
          name="Response"
          text={wholeText(responsePreview, events, "responsePreview")}
          length={responseLength}
        />
      )}
      <Report report={job.report} />
    </section>
  );
}

interface LongTextProps {
  name: string;
  text: string;
  /** Of the whole text, of which this may be the beginning. */
  length?: number | undefined;
  isFault?: boolean;
}

function LongText({ name, text, length, isFault = false }: LongTextProps) {
  const note = cutNote(text, length);
  return (
    <div class="long-text">
      <h3>
        {name} <CopyButton text={text} label={`Copy: ${name}`} />
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys. */}
      <pre class={isFault ? "is-fault" : undefined} tabIndex={0}>
        {text}
      </pre>
      {note !== undefined && <p class="muted">{note}</p>}
    </div>
  );
}

function Report({ report }: { report: JobSnapshot["report"] }) {
  if (report === undefined) return null;
  const { summary, details, issues = [], notes } = report;
  return (
    <div class="report">
      <h3>Report of the worker</h3>
      {summary !== undefined && <p>{summary}</p>}
      {issues.length > 0 && (
        <ul>
          {issues.map((issue, index) => (
            <li key={index}>{issue}</li>
          ))}
        </ul>
      )}
      {details !== undefined && <p class="free-text">{details}</p>}
      {notes !== undefined && <p class="free-text muted">{notes}</p>}
    </div>
  );
}

const WIDTH = 600;
const HEIGHT = 64;
/** Points of the line: more could not be told apart. */
const MAX_POINTS = 300;

/** How far the job was when. */
function ProgressChart({ events }: { events: readonly JobEvent[] }) {
  const points = spread(progressPoints(events), MAX_POINTS);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 3 || last.at === first.at) return null;
  const x = (at: number) => ((at - first.at) / (last.at - first.at)) * WIDTH;
  const y = (percent: number) => HEIGHT - (percent / 100) * HEIGHT;
  const line = points.map(({ at, percent }) => `${x(at).toFixed(1)},${y(percent).toFixed(1)}`).join(" ");
  const label = `Progress from ${wholePercent(first.percent)} % at ${clock(first.at)} to ${wholePercent(last.percent)} % at ${clock(last.at)}`;
  return (
    <svg class="progress-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img">
      <title>{label}</title>
      <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline points={line} />
    </svg>
  );
}
