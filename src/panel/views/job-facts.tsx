import type { ComponentChildren } from "preact";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { ALL_JOBS, DEFAULT_SPAN, formatRoute } from "../route.ts";
import { dateTime, duration, number, title } from "../text/format.ts";
import { traceIdOf } from "../text/trace-link.ts";
import { CopyButton } from "../ui/copy.tsx";

/** What is certain about a job. */
export function JobFacts({ job }: { job: JobSnapshot }) {
  const { workerId, sessionId, parentJobId, workflow, attempt, requestedBy } = job;
  const filterBy = (filter: object) =>
    formatRoute({ view: "jobs", filter: { ...ALL_JOBS, ...filter }, grouping: "none" });
  return (
    <section class="card facts" aria-labelledby="facts-title">
      <h2 id="facts-title">Facts</h2>
      <dl>
        <Fact name="Worker">
          <a href={filterBy({ worker: workerId })}>{title(workerId, "—")}</a>
        </Fact>
        {sessionId !== undefined && (
          <Fact name="Session">
            <a href={filterBy({ session: sessionId })}>{title(sessionId, "—")}</a>{" "}
            <a href={formatRoute({ view: "timeline", session: sessionId, span: DEFAULT_SPAN })}>Timeline</a>
          </Fact>
        )}
        {requestedBy !== undefined && <Fact name="Requested by">{title(requestedBy, "—")}</Fact>}
        {parentJobId !== undefined && (
          <Fact name="Parent">
            <a href={formatRoute({ view: "job", jobId: parentJobId })}>{title(parentJobId, "—")}</a>
          </Fact>
        )}
        {workflow?.runId !== undefined && <Fact name="Workflow run">{title(workflow.runId, "—")}</Fact>}
        {workflow?.stepId !== undefined && <Fact name="Step">{title(workflow.stepId, "—")}</Fact>}
        <Fact name="Attempt">{number(attempt ?? 1)}</Fact>
        <Times job={job} />
        <Fact name="Events">{number(job.revision + 1)}</Fact>
        <Trace traceparent={job.traceparent} />
      </dl>
    </section>
  );
}

function Times({ job: { queuedAt, queuedMs, startedAt, finishedAt, durationMs } }: { job: JobSnapshot }) {
  return (
    <>
      {queuedAt !== undefined && <Fact name="Queued">{dateTime(queuedAt)}</Fact>}
      {queuedMs !== undefined && <Fact name="Waited">{duration(queuedMs)}</Fact>}
      <Fact name="Started">{dateTime(startedAt)}</Fact>
      {finishedAt !== undefined && <Fact name="Ended">{dateTime(finishedAt)}</Fact>}
      {durationMs !== undefined && <Fact name="Took">{duration(durationMs)}</Fact>}
    </>
  );
}

function Trace({ traceparent }: { traceparent: string | undefined }) {
  const traceId = traceIdOf(traceparent);
  if (traceId === undefined) return null;
  return (
    <Fact name="Trace" isLong>
      <code>{traceId}</code> <CopyButton text={traceId} label="Copy the trace's id" />
    </Fact>
  );
}

interface FactProps {
  name: string;
  /** Whether it is too long to stand beside its name. */
  isLong?: boolean;
  children: ComponentChildren;
}

function Fact({ name, isLong = false, children }: FactProps) {
  return (
    <div class={isLong ? "is-long" : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
