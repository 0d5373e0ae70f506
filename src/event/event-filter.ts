import { invalidArgument } from "../errors.ts";
import { EVENT_TYPES, type OrchestratorEvent } from "./event.ts";

/** Which events a reader wants. Each list is a choice (any of them); all that are given must match. */
export interface EventFilter {
  /** Exact types, or prefixes such as `orchestra.job.*`. */
  types?: readonly string[] | undefined;
  workerIds?: readonly string[] | undefined;
  sessionIds?: readonly string[] | undefined;
  jobIds?: readonly string[] | undefined;
}

export type EventPredicate = (event: OrchestratorEvent) => boolean;

/**
 * Compiles a filter once, so that events are tested cheaply.
 * @throws INVALID_ARGUMENT when a type is neither known nor a prefix of a known one
 */
export function compileFilter(filter: EventFilter = {}): EventPredicate {
  const checks: EventPredicate[] = [];
  if (filter.types?.length) checks.push(typeCheck(filter.types));
  const { workerIds, sessionIds, jobIds } = filter;
  if (workerIds?.length) checks.push(subjectCheck("workerId", workerIds));
  if (sessionIds?.length) checks.push(subjectCheck("sessionId", sessionIds));
  if (jobIds?.length) checks.push(subjectCheck("jobId", jobIds));
  return (event) => checks.every((check) => check(event));
}

/** What an event is about, wherever its type keeps that. */
export interface EventSubject {
  jobId?: string | undefined;
  workerId?: string | undefined;
  sessionId?: string | undefined;
}

/** Never throws: inside a program `data` is trusted to its type, but one bad event must not end a feed. */
export function subjectOf(event: OrchestratorEvent): EventSubject {
  switch (event.type) {
    case "orchestra.worker.stream":
      return event.data?.chunk ?? {};
    case "orchestra.worker.status":
      return { workerId: event.data?.worker?.id };
    default:
      return (event.data as EventSubject | undefined) ?? {};
  }
}

function typeCheck(patterns: readonly string[]): EventPredicate {
  const wanted = new Set<string>();
  for (const pattern of patterns) {
    const isPrefix = typeof pattern === "string" && pattern.endsWith(".*");
    const matches = EVENT_TYPES.filter((type) =>
      isPrefix ? type.startsWith(pattern.slice(0, -1)) : type === pattern,
    );
    if (matches.length === 0) {
      throw invalidArgument("type", "an event type or a prefix such as `orchestra.job.*`", pattern);
    }
    for (const type of matches) wanted.add(type);
  }
  return (event) => wanted.has(event.type);
}

function subjectCheck(field: keyof EventSubject, choices: readonly string[]): EventPredicate {
  const wanted: ReadonlySet<string | undefined> = new Set(choices);
  return (event) => wanted.has(subjectOf(event)[field]);
}
