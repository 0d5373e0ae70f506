import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { bridge, serverClock } from "../bridge-api.ts";
import { CancelRequest } from "../job/cancel-request.ts";
import { answerText, type Cancellation, titleOf } from "../job/cancellation.ts";
import { dialog, keptReason, live, now } from "../page.ts";
import { elapsed, title } from "../text/format.ts";
import { closeDialog, Dialog } from "./dialog.tsx";
import { Status } from "./status.tsx";

export interface CancelProps {
  jobId: string;
  /** The reason, possibly empty, when it has been confirmed before: then nothing is asked any more. */
  confirmed?: string | undefined;
}

/** Asks before a job is canceled, and tells what really became of it. */
export function CancelDialog({ jobId, confirmed }: CancelProps) {
  const reason = useSignal(confirmed ?? reasonKept(jobId));
  const request = useCancelRequest({ jobId, confirmed });
  const progress = request.progress.value;
  useSignalEffect(() => {
    if (request.progress.value?.step === "sign-in") askForToken(jobId, reason.peek());
  });
  const ask = () => void request.ask(reason.peek());
  return (
    <Dialog title={titleOf(progress)}>
      <About jobId={jobId} />
      {progress === undefined ? (
        <Question
          reason={reason.value}
          onReason={(text) => {
            reason.value = text;
          }}
          onSubmit={(event) => {
            event.preventDefault();
            ask();
          }}
        />
      ) : (
        <Answer progress={progress} onAgain={ask} />
      )}
    </Dialog>
  );
}

function useCancelRequest({ jobId, confirmed }: CancelProps): CancelRequest {
  const request = useMemo(() => {
    const made = new CancelRequest({
      jobId,
      cancel: bridge.cancel,
      read: bridge.job,
      watch: (id, handler) => live.watch(id, handler),
      now: serverClock.now,
    });
    if (confirmed !== undefined) made.ask(confirmed);
    return made;
  }, []);
  const isHeld = useComputed(() => {
    void live.store.shape.value;
    return live.store.get(jobId) !== undefined;
  });
  useSignalEffect(() => {
    // What the list lets go of is asked for; and again after the list was read anew, as there was a gap.
    void [isHeld.value, live.snapshots.value];
    if (request.progress.value?.step === "asked") request.check();
  });
  useEffect(() => () => request.close(), []);
  return request;
}

/** The job, as far as the list has it. */
function About({ jobId }: { jobId: string }) {
  // Read so that it is drawn anew when the list lets go of the job.
  void live.store.shape.value;
  const job = live.store.get(jobId)?.job.value;
  return (
    <p class="about">
      {job === undefined ? (
        <span class="id cut">{title(jobId, "—")}</span>
      ) : (
        <>
          <Status status={job.status} /> <span class="cut">{title(job.message)}</span>
        </>
      )}
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

function Answer({ progress, onAgain }: { progress: Cancellation; onAgain: () => void }) {
  const id = useId();
  const close = useRef<HTMLButtonElement>(null);
  // The button that had the focus is gone; who cannot see that is told by this one.
  useEffect(() => close.current?.focus(), []);
  return (
    <>
      <p id={id} role="status">
        {answerText(progress)}
      </p>
      {progress.step === "asked" && <Waiting since={progress.at} />}
      <div class="actions">
        {progress.step === "unanswered" && (
          <button type="button" onClick={onAgain}>
            Try again
          </button>
        )}
        <button type="button" class="primary" ref={close} aria-describedby={id} onClick={closeDialog}>
          Close
        </button>
      </div>
    </>
  );
}

function Waiting({ since }: { since: number }) {
  return <p class="muted number">Waiting for its end for {elapsed(now.value - since)}</p>;
}

function reasonKept(jobId: string): string {
  const kept = keptReason.peek();
  return kept?.jobId === jobId ? kept.reason : "";
}

/** Once that is done, what was confirmed before is asked for. */
function askForToken(jobId: string, reason: string): void {
  keptReason.value = { jobId, reason };
  dialog.value = {
    kind: "sign-in",
    why: "Canceling a job needs the token of this server.",
    onSignedIn: () => {
      dialog.value = { kind: "cancel", jobId, confirmed: reason };
    },
  };
}
