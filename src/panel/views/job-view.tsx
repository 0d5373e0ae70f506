import { useEffect, useMemo } from "preact/hooks";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { isTerminal } from "../../job/job.ts";
import { BridgeError, bridge } from "../bridge-api.ts";
import { JobReader } from "../job/job-reader.ts";
import { bridgeTemplate, dialog, go, list, live } from "../page.ts";
import { formatRoute } from "../route.ts";
import { settings } from "../settings.ts";
import { title } from "../text/format.ts";
import { traceLink } from "../text/trace-link.ts";
import { CopyButton } from "../ui/copy.tsx";
import { Elapsed } from "../ui/elapsed.tsx";
import { Icon } from "../ui/icon.tsx";
import { useShortcuts } from "../ui/keyboard.ts";
import { Status } from "../ui/status.tsx";
import { useViewTitle } from "../ui/view-title.ts";
import { JobEvents } from "./job-events-part.tsx";
import { JobFacts } from "./job-facts.tsx";
import { JobResult } from "./job-result.tsx";
import { JobWaterfall } from "./job-waterfall.tsx";

/** One job: all that is known of it, live. */
export function JobView({ jobId }: { jobId: string }) {
  const reader = useMemo(
    () => new JobReader({ jobId, read: bridge.job, watch: (id, handler) => live.watch(id, handler) }),
    [jobId],
  );
  // Again after the list was read again: there was a gap, or a sign-in.
  const { value: snapshots } = live.snapshots;
  useEffect(() => void reader.read(), [reader, snapshots]);
  useEffect(() => reader.close, [reader]);
  // Read so that a job that is not there yet is shown once it is.
  void live.store.shape.value;
  const held = live.store.get(jobId)?.job.value;
  const job = held ?? reader.job.value;
  const isGone = held === undefined && reader.isGone.value;
  const isGoing = job !== undefined && !isTerminal(job.status) && !isGone;
  useShortcuts({
    Escape: () => go(list.peek()),
    c: () => isGoing && askToCancel(jobId),
  });
  if (job === undefined) return <Missing jobId={jobId} reader={reader} />;
  return (
    <article class="view job-view" aria-labelledby="view-title">
      <JobHead job={job} isGone={isGone} />
      {isGone && (
        <p class="notice is-warning">
          The server holds this job no longer. This is what was last known of it.
        </p>
      )}
      <div class="job-parts">
        <div>
          <JobResult job={job} events={reader.events.value.events} isGoing={isGoing} />
          {/* The bar of one that has not ended would go on. */}
          {(isGoing || isTerminal(job.status)) && (
            <JobWaterfall job={job} events={reader.events.value.events} />
          )}
          <JobEvents reader={reader} />
        </div>
        <JobFacts job={job} />
      </div>
    </article>
  );
}

function JobHead({ job, isGone }: { job: JobSnapshot; isGone: boolean }) {
  const { jobId, status } = job;
  useViewTitle(title(job.message));
  const link = traceLink(settings.value.traceTemplate || bridgeTemplate.value, job);
  return (
    <header class="job-head">
      <a class="back" href={formatRoute(list.value)}>
        <Icon name="back" />
        Jobs
      </a>
      <h1 id="view-title" tabIndex={-1}>
        {title(job.message)}
      </h1>
      <p class="job-state">
        {isGone && !isTerminal(status) && "Last known: "}
        <Status status={status} />
        <Elapsed job={job} until={isGone ? job.updatedAt : undefined} />
        <span class="id muted cut">{title(jobId, "—")}</span>
        <CopyButton text={jobId} label="Copy the job's id" />
      </p>
      <div class="actions">
        {link !== undefined && (
          <a class="button" href={link} target="_blank" rel="noopener noreferrer">
            <Icon name="external" />
            Open trace
          </a>
        )}
        {!isTerminal(status) && !isGone && (
          <button type="button" class="danger" onClick={() => askToCancel(jobId)}>
            <Icon name="canceled" />
            Cancel
          </button>
        )}
      </div>
    </header>
  );
}

function askToCancel(jobId: string): void {
  dialog.value = { kind: "cancel", jobId };
}

function Missing({ jobId, reader }: { jobId: string; reader: JobReader }) {
  const { value: reading } = reader.reading;
  useViewTitle(title(jobId, "Job"));
  const isUnknown = reading.state === "failed" && reading.error instanceof BridgeError;
  return (
    <section class="view nothing-view" aria-labelledby="view-title">
      <h1 id="view-title" tabIndex={-1}>
        {reading.state === "failed" ? "This job cannot be shown" : "Reading the job …"}
      </h1>
      {reading.state === "failed" && (
        <p>
          {isUnknown && (reading.error as BridgeError).code === "UNKNOWN_JOB"
            ? "The server does not know it, or no longer: the list holds the last 10,000 jobs."
            : "The server could not be asked for it."}
        </p>
      )}
      <p class="id muted">{title(jobId, "—")}</p>
      <div class="actions">
        <a href="#/jobs">All jobs</a>
        {reading.state === "failed" && (
          <button type="button" onClick={() => reader.read()}>
            Try again
          </button>
        )}
      </div>
    </section>
  );
}
