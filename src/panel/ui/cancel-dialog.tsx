import { useSignal, useSignalEffect } from "@preact/signals";
import { useId } from "preact/hooks";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { bridge, serverClock } from "../bridge-api.ts";
import { type Cancellation, endText, followed, refusal } from "../job/cancellation.ts";
import { dialog, live, now } from "../page.ts";
import { elapsed, title } from "../text/format.ts";
import { closeDialog, Dialog } from "./dialog.tsx";
import { Status } from "./status.tsx";

/** Asks before a job is canceled, and tells what really became of it. */
export function CancelDialog({ jobId }: { jobId: string }) {
  const entry = live.store.get(jobId);
  const reason = useSignal("");
  const progress = useSignal<Cancellation | undefined>(undefined);
  useSignalEffect(() => {
    const job = entry?.job.value;
    const before = progress.value;
    if (job !== undefined && before !== undefined) progress.value = followed(before, job);
  });
  const submit = async (event: Event) => {
    event.preventDefault();
    progress.value = { step: "asking" };
    try {
      await bridge.cancel(jobId, reason.value.trim());
      if (progress.peek()?.step === "asking") progress.value = { step: "asked", at: serverClock.now() };
    } catch (error) {
      progress.value = refusal(error);
      if (progress.peek()?.step === "sign-in") askForToken(jobId);
    }
  };
  const job = entry?.job.value;
  return (
    <Dialog title="Cancel this job?">
      {job !== undefined && <About job={job} />}
      {progress.value === undefined ? (
        <Question
          reason={reason.value}
          onReason={(text) => {
            reason.value = text;
          }}
          onSubmit={submit}
        />
      ) : (
        <Answer progress={progress.value} />
      )}
    </Dialog>
  );
}

function About({ job }: { job: JobSnapshot }) {
  return (
    <p class="about">
      <Status status={job.status} /> <span class="cut">{title(job.message)}</span>
    </p>
  );
}

interface QuestionProps {
  reason: string;
  onReason: (reason: string) => void;
  onSubmit: (event: Event) => void;
}

function Question({ reason, onReason, onSubmit }: QuestionProps) {
  const id = useId();
  return (
    <form onSubmit={onSubmit}>
      <p>Its worker is asked to stop. What it has done so far is not undone.</p>
      <label class="stacked" for={id}>
        Reason, if you like
        <input
          id={id}
          type="text"
          maxLength={1_000}
          value={reason}
          onInput={({ currentTarget }) => onReason(currentTarget.value)}
        />
      </label>
      <div class="actions">
        <button type="button" onClick={closeDialog}>
          Keep it running
        </button>
        <button type="submit" class="danger">
          Cancel the job
        </button>
      </div>
    </form>
  );
}

function Answer({ progress }: { progress: Cancellation }) {
  return (
    <>
      <p role="status">{answerText(progress)}</p>
      {progress.step === "asked" && <Waiting since={progress.at} />}
      <div class="actions">
        <button type="button" class="primary" onClick={closeDialog}>
          Close
        </button>
      </div>
    </>
  );
}

function Waiting({ since }: { since: number }) {
  return <p class="muted number">Waiting for its end for {elapsed(now.value - since)}</p>;
}

function answerText(progress: Cancellation): string {
  switch (progress.step) {
    case "asking":
      return "Asking …";
    case "asked":
      return "The worker was asked to stop. The job has not ended yet.";
    case "ended":
      return endText(progress.job);
    case "sign-in":
      return "This needs the token.";
    case "refused":
      return progress.why;
  }
}

function askForToken(jobId: string): void {
  dialog.value = {
    kind: "sign-in",
    why: "Canceling a job needs the token of this server.",
    onSignedIn: () => {
      dialog.value = { kind: "cancel", jobId };
    },
  };
}
