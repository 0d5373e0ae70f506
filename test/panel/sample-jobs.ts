import {
  createOrchestratorEvent,
  type JobEvent,
  type JobEventType,
  type OrchestratorEventDataMap,
} from "../../src/event/event.ts";
import type { JobReport } from "../../src/job/job.ts";

/** The moment at which the sample is looked at. */
export const SAMPLE_NOW_MS = Date.UTC(2026, 2, 12, 14, 32, 10);

const SECOND = 1_000;
const MINUTE = 60;
const REPOSITORY = "ses_search-service";
const RELEASE = "ses_release-2.4";

interface ToldProgress {
  /** Seconds after the job began. */
  after: number;
  message: string;
  percent?: number;
  current?: number;
  total?: number;
  unit?: string;
  stage?: string;
}

type Ending =
  | { type: "completed"; after: number; responsePreview?: string; report?: JobReport }
  | { type: "failed"; after: number; error: string; errorType: string; report?: JobReport }
  | { type: "canceled"; after: number; reason: string };

interface Story {
  jobId: string;
  workerId: string;
  message: string;
  sessionId?: string;
  parentJobId?: string;
  attempt?: number;
  /** Seconds before the moment of the sample. */
  began: number;
  /** Seconds that it waited before; a job with `isQueued` waits still. */
  waited?: number;
  isQueued?: boolean;
  progress?: readonly ToldProgress[];
  ending?: Ending;
}

const steps = (
  message: string,
  unit: string,
  total: number,
  done: number,
  everySeconds: number,
): ToldProgress[] =>
  Array.from({ length: done }, (_, index) => ({
    after: (index + 1) * everySeconds,
    message,
    current: index + 1,
    total,
    unit,
  }));

const STORIES: readonly Story[] = [
  {
    jobId: "job-plan",
    workerId: "planner",
    message: "Make the search service answer within 50 ms",
    sessionId: REPOSITORY,
    began: 262,
    progress: [
      { after: 12, message: "Reading the repository", percent: 5, stage: "explore" },
      { after: 48, message: "Three steps planned", percent: 15, stage: "plan" },
      { after: 190, message: "Two of three steps are done", percent: 64, stage: "build" },
    ],
  },
  {
    jobId: "job-profile",
    workerId: "profiler",
    message: "Find out where a query spends its time",
    sessionId: REPOSITORY,
    parentJobId: "job-plan",
    began: 210,
    waited: 3,
    progress: steps("Replaying queries", "queries", 500, 5, 12),
    ending: {
      type: "completed",
      after: 71,
      responsePreview: "82 % of the time goes into decoding posting lists.",
      report: { summary: "Decoding takes 82 % of a query", issues: ["No data for wildcard queries"] },
    },
  },
  {
    jobId: "job-cache-1",
    workerId: "coder",
    message: "Keep decoded posting lists in a cache",
    sessionId: REPOSITORY,
    parentJobId: "job-plan",
    began: 136,
    progress: [
      { after: 15, message: "Writing the cache", percent: 30, stage: "edit" },
      { after: 33, message: "Running the tests", percent: 70, stage: "test" },
    ],
    ending: {
      type: "failed",
      after: 41,
      error:
        "3 tests failed\n  cache.test.ts: evicts the list that was used longest ago\n  expected 128 to be at most 64",
      errorType: "TestsFailed",
      report: { summary: "The cache grows beyond its limit", notes: "The limit counts lists, not bytes." },
    },
  },
  {
    jobId: "job-cache-2",
    workerId: "coder",
    message: "Keep decoded posting lists in a cache",
    sessionId: REPOSITORY,
    parentJobId: "job-plan",
    attempt: 2,
    began: 88,
    waited: 4,
    progress: [
      { after: 12, message: "Counting bytes", percent: 25, stage: "edit" },
      { after: 30, message: "Counting bytes", percent: 45, stage: "edit" },
      { after: 58, message: "Running the tests", percent: 82, stage: "test" },
    ],
  },
  {
    jobId: "job-bench",
    workerId: "profiler",
    message: "Measure again, with the cache",
    sessionId: REPOSITORY,
    parentJobId: "job-plan",
    began: 40,
    isQueued: true,
  },
  {
    jobId: "job-review",
    workerId: "reviewer",
    message: "Review the change to the query parser",
    sessionId: REPOSITORY,
    began: 64,
    progress: steps("Reading", "files", 9, 4, 14),
  },
  {
    jobId: "job-release",
    workerId: "release-bot",
    message: "Build release 2.4",
    sessionId: RELEASE,
    began: 248,
    progress: [
      { after: 20, message: "Checking out", percent: 10 },
      { after: 70, message: "Packing", percent: 80 },
    ],
    ending: {
      type: "completed",
      after: 96,
      responsePreview: "search-service-2.4.0.tar.gz, 18.2 MB",
      report: { summary: "Packed and signed, 18.2 MB" },
    },
  },
  {
    jobId: "job-notes",
    workerId: "writer",
    message: "Write the release notes",
    sessionId: RELEASE,
    parentJobId: "job-release",
    began: 150,
    progress: steps("Summarising", "changes", 31, 6, 9),
    ending: { type: "canceled", after: 58, reason: "The release waits for the cache" },
  },
  {
    jobId: "job-docs",
    workerId: "writer",
    message: "Explain the new cache in the handbook",
    sessionId: RELEASE,
    began: 12,
    isQueued: true,
  },
  {
    jobId: "job-audit",
    workerId: "auditor",
    message: "Look for known weaknesses in what we depend on",
    began: 181,
    progress: steps("Asking the registry", "packages", 214, 7, 20),
  },
];

const ROUTINE = [
  ["coder", "Update the lock file", REPOSITORY],
  ["reviewer", "Review a pull request", REPOSITORY],
  ["auditor", "Check the licences", undefined],
  ["profiler", "Replay yesterday's queries", REPOSITORY],
  ["release-bot", "Build the nightly package", RELEASE],
] as const;

/** What went on in the hour before. */
function routine(): Story[] {
  return Array.from({ length: 48 }, (_, index): Story => {
    const [workerId, message, sessionId] = ROUTINE[index % ROUTINE.length] as (typeof ROUTINE)[number];
    const after = 8 + ((index * 37) % 50);
    const ending: Ending =
      index % 11 === 5
        ? { type: "failed", after, error: "The network cannot be reached", errorType: "NetworkError" }
        : { type: "completed", after, report: { summary: "Nothing to do" } };
    return {
      jobId: `job-routine-${index + 1}`,
      workerId,
      message,
      ...(sessionId !== undefined && { sessionId }),
      began: 58 * MINUTE - index * 63 - ((index * 29) % 40),
      ending,
    };
  });
}

/** The events of a small company's hour, in their order; the same at each call. */
export function sampleEvents(): JobEvent[] {
  const events = [...routine(), ...STORIES].flatMap(eventsOf);
  return events.sort((a, b) => a.timestamp - b.timestamp);
}

function eventsOf(story: Story, index: number): JobEvent[] {
  const { jobId, workerId, sessionId, parentJobId, attempt, message, waited = 0, isQueued, ending } = story;
  const startedAt = SAMPLE_NOW_MS - story.began * SECOND;
  const queuedAt = startedAt - waited * SECOND;
  const identity = { jobId, workerId, sessionId, parentJobId, attempt, requestedBy: "sam", startedAt };
  const traceparent = `00-${"4bf92f3577b34da6a3ce929d0e0e"}${hex(index, 4)}-${hex(index + 1, 16)}-01`;
  const events: JobEvent[] = [];
  const tell = <T extends JobEventType>(type: T, at: number, data: Partial<OrchestratorEventDataMap[T]>) => {
    const all = { ...identity, revision: events.length, ...data } as OrchestratorEventDataMap[T];
    const envelope = { id: `${jobId}-${events.length}`, timestamp: at, traceparent };
    events.push(createOrchestratorEvent<JobEventType>(type, all, envelope));
  };
  const status = isQueued || waited > 0 ? "queued" : "running";
  tell("orchestra.job.created", queuedAt, { status, message, messageLength: message.length, queuedAt });
  if (waited > 0) {
    tell("orchestra.job.started", startedAt, { status: "running", queuedMs: waited * SECOND });
  }
  for (const { after, ...told } of story.progress ?? []) {
    tell("orchestra.job.progress", startedAt + after * SECOND, { status: "running", ...told });
  }
  if (ending === undefined) return events;
  const { type, after, ...told } = ending;
  const finishedAt = startedAt + after * SECOND;
  const end = { finishedAt, durationMs: finishedAt - startedAt, ...told };
  if (type === "completed") tell("orchestra.job.completed", finishedAt, { status: "succeeded", ...end });
  else if (type === "failed") tell("orchestra.job.failed", finishedAt, { status: "failed", ...end });
  else tell("orchestra.job.canceled", finishedAt, { status: "canceled", ...end });
  return events;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
