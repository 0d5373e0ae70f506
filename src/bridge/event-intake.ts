import { OrchestraError } from "../errors.ts";
import { isJobEvent, type JobEvent, type OrchestratorEvent } from "../event/event.ts";
import type { Cursor, EventLog, EventPage } from "../event/event-log.ts";
import type { EventOutcome, OutcomeHandler } from "../event/event-outcome.ts";
import { contradiction } from "../event/job-snapshot.ts";
import type { JobTable } from "../event/job-table.ts";
import { nextTurn } from "../event/next-turn.ts";
import type { JobStatus } from "../job/job.ts";
import type { PostedEvent } from "./event-lines.ts";
import { LineError } from "./http-error.ts";

export interface EventIntakeOptions {
  log: EventLog;
  jobs: JobTable;
  /** Calls `settled` once with what became of the event, at the latest when the log has answered. */
  publish: (event: OrchestratorEvent, settled: OutcomeHandler) => void;
  /** Whether this process itself tells of a job; others may only add a report then. Default: of none. */
  ownsJob?: ((jobId: string) => boolean) | undefined;
}

export interface IntakeResult {
  /** Events that the log took. */
  accepted: number;
  /** Events left out because their id stood in the request or the log before. */
  duplicates: number;
}

/** What cannot be taken, unless the log holds it already and it is only told again. */
interface Suspect extends Objection {
  event: JobEvent;
  line: number | undefined;
}

interface Objection {
  path: string;
  reason: string;
}

/** Requests that may wait for their turn. */
const MAX_WAITING = 64;
/** Events published before the log is waited for, so that its queue has room for others' too. */
const SLICE = 500;
/** How long the log is waited for, for one slice or one page, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Takes events from outside, one request after the other, so that each is checked against all that
 * came before. A request is checked whole before any of it is applied.
 */
export class EventIntake {
  readonly #options: EventIntakeOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** False while the log has not answered for what was published, so nothing can be checked against it. */
  #isSettled = true;

  constructor(options: EventIntakeOptions) {
    this.#options = options;
  }

  /**
   * @throws CONFLICT when an event contradicts what is known of its job, UNAVAILABLE when too many wait
   * or the log does not take the events; what it did take is a duplicate when they are sent again
   */
  async take(posted: readonly PostedEvent[]): Promise<IntakeResult> {
    if (this.#waiting === MAX_WAITING) throw unavailable("Too many requests are waiting");
    this.#waiting++;
    const turn = this.#turn.then(() => this.#apply(posted));
    this.#turn = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async #apply(posted: readonly PostedEvent[]): Promise<IntakeResult> {
    if (!this.#isSettled) throw unavailable("The log has not answered yet for what was sent before");
    const fresh = await this.#checked(posted);
    let accepted = 0;
    for (let start = 0; start < fresh.length; start += SLICE) {
      const outcomes = await this.#publish(fresh.slice(start, start + SLICE));
      accepted += outcomes.filter((outcome) => outcome === "appended").length;
      const lost = outcomes.find((outcome) => outcome !== "appended" && outcome !== "duplicate");
      if (lost !== undefined) {
        throw unavailable(`The log took ${accepted} of ${posted.length} events and failed (${lost})`);
      }
    }
    return { accepted, duplicates: posted.length - accepted };
  }

  #publish(events: readonly OrchestratorEvent[]): Promise<EventOutcome[]> {
    this.#isSettled = false;
    const outcomes = events.map(
      (event) => new Promise<EventOutcome>((resolve) => this.#options.publish(event, resolve)),
    );
    const settled = Promise.all(outcomes).finally(() => {
      this.#isSettled = true;
    });
    return answered(settled);
  }

  /** The events that nothing speaks against. Some may yet turn out to be in the log. */
  async #checked(posted: readonly PostedEvent[]): Promise<OrchestratorEvent[]> {
    const fresh = new Map<string, OrchestratorEvent>();
    const suspects = new Map<string, Suspect>();
    const statuses = new Map<string, JobStatus>();
    for (const { event, line } of posted) {
      if (fresh.has(event.id) || suspects.has(event.id)) continue;
      if (isJobEvent(event)) {
        const objection = this.#objectionTo(event, statuses.get(event.data.jobId));
        if (objection !== undefined) {
          suspects.set(event.id, { event, line, ...objection });
          continue;
        }
        statuses.set(event.data.jobId, event.data.status);
      }
      fresh.set(event.id, event);
    }
    await this.#requireInLog(suspects);
    return [...fresh.values()];
  }

  #objectionTo(event: JobEvent, status: JobStatus | undefined): Objection | undefined {
    const { jobId } = event.data;
    if (event.type !== "orchestra.job.reported" && this.#options.ownsJob?.(jobId)) {
      return { path: "data.jobId", reason: `job ${jobId} belongs to this process, which alone tells of it` };
    }
    const reason = contradiction(status ?? this.#options.jobs.get(jobId)?.status, event);
    return reason === undefined ? undefined : { path: "data.status", reason };
  }

  /** One pass over the log for all suspects. @throws CONFLICT for the first that it does not hold */
  async #requireInLog(suspects: Map<string, Suspect>): Promise<void> {
    const filter = { jobIds: [...new Set([...suspects.values()].map(({ event }) => event.data.jobId))] };
    let after: Cursor | undefined;
    while (suspects.size > 0) {
      const { records, next } = await answered(this.#read({ after, filter }));
      for (const { event } of records) suspects.delete(event.id);
      if (records.length === 0 && next === after) break;
      after = next;
      await nextTurn();
    }
    for (const suspect of suspects.values()) throw conflict(suspect);
  }

  async #read(options: Parameters<EventLog["read"]>[0]): Promise<EventPage> {
    try {
      return await this.#options.log.read(options);
    } catch (cause) {
      throw unavailable("The log cannot be read", cause);
    }
  }
}

/** @throws UNAVAILABLE when the log takes too long */
async function answered<T>(answer: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(unavailable("The log does not answer"));
  }, ANSWER_TIMEOUT_MS).unref();
  try {
    return await Promise.race([answer, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(message: string, cause?: unknown): OrchestraError {
  return new OrchestraError("UNAVAILABLE", `${message}; send the request again later`, { cause });
}

function conflict({ path, reason, line }: Suspect): OrchestraError {
  const error = new OrchestraError("CONFLICT", `The event contradicts the log: ${reason}`, { path });
  return line === undefined ? error : new LineError(line, error);
}
