/**
 * What a job is and how it may change: types and one transition table, without behaviour.
 * Status values, terminality, event kinds, docs and panel legend all derive from the tables here.
 */

/** From each state, the states a job may go to next. `queued` exists only for sources with a queue. */
export const JOB_TRANSITIONS = {
  queued: ["running", "failed", "canceled"],
  running: ["succeeded", "failed", "canceled"],
  succeeded: [],
  failed: [],
  canceled: [],
} as const satisfies Record<string, readonly string[]>;

export type JobStatus = keyof typeof JOB_TRANSITIONS;

export const JOB_STATUSES = Object.keys(JOB_TRANSITIONS) as JobStatus[];

/** The state in which each kind of lifecycle callback leaves the job; `null` leaves it as it is. */
export const JOB_EVENT_STATUS = {
  created: null,
  started: "running",
  progress: null,
  completed: "succeeded",
  failed: "failed",
  canceled: "canceled",
  reported: null,
} as const satisfies Record<string, JobStatus | null>;

/** The second argument of `onJobEvent` handlers. */
export type JobEventKind = keyof typeof JOB_EVENT_STATUS;

export function isTerminal(status: JobStatus): boolean {
  return JOB_TRANSITIONS[status].length === 0;
}

export function canTransition(from: JobStatus, to: JobStatus): boolean {
  return (JOB_TRANSITIONS[from] as readonly JobStatus[]).includes(to);
}

/** What a worker says about its own work, in its own words. */
export interface JobReport {
  summary?: string | undefined;
  details?: string | undefined;
  issues?: string[] | undefined;
  notes?: string | undefined;
}

/** The latest progress of a running job. */
export interface JobProgress {
  /** What is being done now. */
  message: string;
  /** 0 to 100. */
  percent?: number | undefined;
  /** Items done, of `total`, counted in `unit`. */
  current?: number | undefined;
  total?: number | undefined;
  unit?: string | undefined;
  /** The phase of the work, such as `compile`. */
  stage?: string | undefined;
  /** Milliseconds since the epoch. */
  updatedAt: number;
}

export interface JobWorkflow {
  runId: string;
  stepId?: string | undefined;
}

/** Who does what for whom: the facts that are fixed when a job is created. */
interface JobIdentity {
  id: string;
  workerId: string;
  sessionId?: string | undefined;
  requestedBy?: string | undefined;
  parentJobId?: string | undefined;
  workflow?: JobWorkflow | undefined;
  /** 1 for the first try. */
  attempt?: number | undefined;
  /** The task, in full. It leaves the process only as a capped preview. */
  message: string;
  /** W3C trace context of the caller; it becomes the parent of the job's span. */
  traceparent?: string | undefined;
}

/** A job as the registry holds it. Times are milliseconds since the epoch. */
export interface Job extends JobIdentity {
  status: JobStatus;
  queuedAt?: number | undefined;
  /** When work began; for a job that is still queued, when it was created. */
  startedAt: number;
  updatedAt: number;
  finishedAt?: number | undefined;
  durationMs?: number | undefined;
  progress?: JobProgress | undefined;
  responseText?: string | undefined;
  error?: string | undefined;
  /** Low-cardinality failure class: an error's name, `timeout`, `interrupted` or `_OTHER`. */
  errorType?: string | undefined;
  /** Why the job was canceled. */
  reason?: string | undefined;
  report?: JobReport | undefined;
}

/** A job that has not ended, without what has happened since it was created. */
export type OpenJob = JobIdentity & Pick<Job, "status" | "queuedAt" | "startedAt" | "updatedAt">;

/** Called after each change, with the job as it then is. What it throws is counted, never passed on. */
export type JobEventHandler = (job: Readonly<Job>, event: JobEventKind) => void;
