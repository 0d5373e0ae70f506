import { useSignal } from "@preact/signals";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { totalsOf } from "../jobs/hour-tally.ts";
import { type Party, partiesOf } from "../jobs/party.ts";
import { live, now } from "../page.ts";
import { ALL_JOBS, DEFAULT_SPAN, formatRoute } from "../route.ts";
import { ago, amount, number, percent, title } from "../text/format.ts";
import { Since } from "../ui/elapsed.tsx";
import { Icon } from "../ui/icon.tsx";
import { Status } from "../ui/status.tsx";
import { useSteady } from "../ui/steady.ts";
import { HourChart } from "./hour-chart.tsx";

/** Of so many jobs, who does what is not found out at each change, but after so many milliseconds. */
const MANY_JOBS = 1_000;
const PAUSE_MS = 500;

/** Who is busy with what, what goes on in which session, and how the last hour went. */
export function WorkersView() {
  // Read so that a change is drawn at once, and the time so that it is drawn at the latest in a second.
  void [live.store.shape.value, now.value];
  const [workers, sessions] = useSteady(
    () => {
      const jobs = live.store.newestFirst().map(({ job }) => job.peek());
      return [partiesOf(jobs, workerOf), partiesOf(jobs, sessionOf)] as const;
    },
    live.store.size > MANY_JOBS ? PAUSE_MS : 0,
  );
  return (
    <section class="view padded" aria-labelledby="view-title">
      <h1 id="view-title" tabIndex={-1}>
        Workers and sessions
      </h1>
      <LastHour />
      <div class="cards is-wide">
        <Parties
          name="Workers"
          parties={workers}
          href={(worker) => formatRoute({ view: "jobs", filter: { ...ALL_JOBS, worker }, grouping: "none" })}
        />
        <Parties
          name="Sessions"
          parties={sessions}
          href={(session) => formatRoute({ view: "timeline", session, span: DEFAULT_SPAN })}
        />
      </div>
    </section>
  );
}

const workerOf = ({ workerId }: JobSnapshot) => workerId;
const sessionOf = ({ sessionId }: JobSnapshot) => sessionId;

function LastHour() {
  // Read so that a job's end is counted at once.
  void live.store.shape.value;
  const minutes = live.tally.lastHour(now.value);
  const { ended, failed, failureRate } = totalsOf(minutes);
  return (
    <section class="card" aria-labelledby="hour-title">
      <h2 id="hour-title">The last hour</h2>
      <div class="hour">
        <dl class="figures">
          <div>
            <dt>Jobs ended</dt>
            <dd class="number">{number(ended)}</dd>
          </div>
          <div>
            <dt>Per minute</dt>
            <dd class="number">{number(Math.round(ended / 6) / 10)}</dd>
          </div>
          <div>
            <dt>Failed</dt>
            <dd class="number">{failureRate === undefined ? "—" : percent(failureRate)}</dd>
            <dd class="muted">{amount(failed, "job")}</dd>
          </div>
        </dl>
        <HourChart minutes={minutes} />
      </div>
    </section>
  );
}

/** Parties that are listed unless more are asked for. */
const STEP = 25;

interface PartiesProps {
  name: string;
  parties: readonly Party[];
  href: (id: string) => string;
}

function Parties({ name, parties, href }: PartiesProps) {
  const shown = useSignal(STEP);
  return (
    <section class="card" aria-label={name}>
      <h2>
        {name} <span class="muted number">{number(parties.length)}</span>
      </h2>
      {parties.length === 0 && <p class="muted">None yet.</p>}
      <ul class="parties">
        {parties.slice(0, shown.value).map((party) => (
          <PartyRow key={party.id} party={party} href={href(party.id)} />
        ))}
      </ul>
      {parties.length > shown.value && (
        <button
          type="button"
          onClick={() => {
            shown.value += 4 * STEP;
          }}
        >
          Show more ({number(parties.length - shown.value)})
        </button>
      )}
    </section>
  );
}

function PartyRow({ party: { id, counts, total, open, last }, href }: { party: Party; href: string }) {
  const [current] = open;
  return (
    <li>
      <div class="party-head">
        <a href={href} class="cut">
          {title(id, "—")}
        </a>
        <span class="muted number">{amount(total, "job")}</span>
        {counts.failed > 0 && (
          <span class="tally is-failed">
            <Icon name="failed" />
            <span class="number">{number(counts.failed)}</span>
            <span class="visually-hidden">failed</span>
          </span>
        )}
      </div>
      {current !== undefined && (
        <p class="party-line">
          <Status status={current.status} />
          <JobLink job={current} />
          <Since time={current.startedAt} />
          {open.length > 1 && <span class="muted">and {number(open.length - 1)} more</span>}
        </p>
      )}
      {last !== undefined && (
        <p class="party-line muted">
          <Status status={last.status} />
          <JobLink job={last} />
          <span class="number">{ago(now.value - (last.finishedAt ?? last.updatedAt))}</span>
        </p>
      )}
    </li>
  );
}

function JobLink({ job }: { job: JobSnapshot }) {
  return (
    <a class="cut" href={formatRoute({ view: "job", jobId: job.jobId })}>
      {title(job.message)}
    </a>
  );
}
