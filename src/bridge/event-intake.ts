import { OrchestraError } from "../errors.ts";
import { isJobEvent, type JobEvent, type OrchestratorEvent } from "../event/event.ts";
import type { Cursor, EventLog } from "../event/event-log.ts";
import { contradiction } from "../event/job-snapshot.ts";
import type { JobTable } from "../event/job-table.ts";
import type { JobStatus } from "../job/job.ts";
import type { PostedEvent } from "./event-lines.ts";
import { LineError } from "./http-error.ts";

export interface EventIntakeOptions {
  log: EventLog;
  jobs: JobTable;
  publish: (event: OrchestratorEvent) => void;
  /** Resolves when what was published is in the log and in `jobs`. */
  flush: () => Promise<void>;
}

export interface IntakeResult {
  /** Events handed to the log. */
  accepted: number;
  /** Events left out because their id was taken before: in this request, of late, or in the job's log. */
  duplicates: number;
}

/** Ids remembered of events taken of late. */
const MAX_RECENT_IDS = 10_000;
/** Requests that may wait for their turn. */
const MAX_WAITING = 64;
/** Events published before the log is waited for, so that its queue has room for others' too. */
const SLICE = 500;
/** How long one slice is waited for, in milliseconds: a sink that hangs must not hang the door. */
const FLUSH_TIMEOUT_MS = 2_000;

/**
 * Takes events from outside, one request after the other, so that each is checked against all that
 * came before. A request is checked whole before any of it is applied.
 */
export class EventIntake {
  readonly #options: EventIntakeOptions;
  readonly #recentIds = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: EventIntakeOptions) {
    this.#options = options;
  }

  /** @throws CONFLICT when an event contradicts what is known of its job, UNAVAILABLE when too many wait */
  async take(posted: readonly PostedEvent[]): Promise<IntakeResult> {
    if (this.#waiting === MAX_WAITING) {
      throw new OrchestraError("UNAVAILABLE", "Too many requests are waiting; send this one again later");
    }
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
    const fresh = await this.#checked(posted);
    for (let start = 0; start < fresh.length; start += SLICE) {
      const slice = fresh.slice(start, start + SLICE);
      for (const event of slice) this.#options.publish(event);
      await this.#settled();
      for (const { id } of slice) this.#remember(id);
    }
    return { accepted: fresh.length, duplicates: posted.length - fresh.length };
  }

  /** The events not taken before. */
  async #checked(posted: readonly PostedEvent[]): Promise<OrchestratorEvent[]> {
    const fresh = new Map<string, OrchestratorEvent>();
    const statuses = new Map<string, JobStatus>();
    for (const { event, line } of posted) {
      if (this.#recentIds.has(event.id) || fresh.has(event.id)) continue;
      if (isJobEvent(event)) {
        const { jobId, status } = event.data;
        const before = statuses.get(jobId) ?? this.#options.jobs.get(jobId)?.status;
        const reason = contradiction(before, event);
        if (reason !== undefined && (await this.#isInLog(event))) continue;
        if (reason !== undefined) throw conflict(reason, line);
        statuses.set(jobId, status);
      }
      fresh.set(event.id, event);
    }
    return [...fresh.values()];
  }

  /** What contradicts may also be what we were told long ago, told again. */
  async #isInLog({ id, data }: JobEvent): Promise<boolean> {
    let after: Cursor | undefined;
    for (;;) {
      const { records, next } = await this.#options.log.read({ after, filter: { jobIds: [data.jobId] } });
      if (records.some(({ event }) => event.id === id)) return true;
      if (records.length === 0 || next === after) return false;
      after = next;
    }
  }

  async #settled(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_TIMEOUT_MS).unref();
    });
    try {
      await Promise.race([this.#options.flush(), timeout]);
    } catch (cause) {
      throw new OrchestraError("UNAVAILABLE", "The log failed; send the request again", { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  #remember(id: string): void {
    this.#recentIds.add(id);
    if (this.#recentIds.size <= MAX_RECENT_IDS) return;
    const [oldest] = this.#recentIds;
    this.#recentIds.delete(oldest as string);
  }
}

function conflict(reason: string, line: number | undefined): OrchestraError {
  const error = new OrchestraError("CONFLICT", `The event contradicts the log: ${reason}`, {
    path: "data.status",
  });
  return line === undefined ? error : new LineError(line, error);
}
