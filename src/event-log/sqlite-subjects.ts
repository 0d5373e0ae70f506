import { EVENT_TYPES, type OrchestratorEvent } from "../event/event.ts";
import { type EventFilter, subjectOf } from "../event/event-filter.ts";

/**
 * The types, jobs, workers and sessions that occur in a run of events, as 32-bit hashes: small enough to
 * be searched by the thousand, and never wrong about what does not occur.
 */
export class Subjects {
  readonly #types = new Set<unknown>();
  readonly #jobs = new Set<unknown>();
  readonly #workers = new Set<unknown>();
  readonly #sessions = new Set<unknown>();

  add(event: OrchestratorEvent): void {
    const { jobId, workerId, sessionId } = subjectOf(event);
    this.#types.add(event.type);
    this.#jobs.add(jobId);
    this.#workers.add(workerId);
    this.#sessions.add(sessionId);
  }

  clear(): void {
    for (const set of [this.#types, this.#jobs, this.#workers, this.#sessions]) set.clear();
  }

  encode(): Uint8Array {
    const sets = [this.#types, this.#jobs, this.#workers, this.#sessions];
    const hashes = sets.flatMap((set, dimension) =>
      [...set].flatMap((value) => (typeof value === "string" ? hash(value, dimension) : [])),
    );
    return bytesOf(hashes);
  }
}

/** One thing a filter asks for: at least one of the values must occur. */
export interface Demand {
  /** What an event's JSON contains then. */
  texts: string[];
  /** What the subjects of a run of events contain then. */
  hashes: Uint8Array[];
}

/** More values than this are not looked up: to read what is there is as fast. */
const MAX_VALUES = 32;

/** What must hold, as far as can be looked up, for an event to pass the filter. */
export function demandsOf({ types, jobIds, workerIds, sessionIds }: EventFilter): Demand[] {
  return [types && typesLike(types), jobIds, workerIds, sessionIds].flatMap((values, dimension) => {
    if (values === undefined || values.length === 0 || values.length > MAX_VALUES) return [];
    const padded = padToPowerOfTwo(values);
    return {
      texts: padded.map((value) => JSON.stringify(value)),
      hashes: padded.map((value) => bytesOf([hash(value, dimension)])),
    };
  });
}

function typesLike(patterns: readonly string[]): string[] {
  return EVENT_TYPES.filter((type) =>
    patterns.some((pattern) =>
      pattern.endsWith(".*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern,
    ),
  );
}

/** Repeats a value until few lengths are left, as each needs statements of its own, which are kept. */
function padToPowerOfTwo(values: readonly string[]): string[] {
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return Array.from({ length }, (_, index) => values[index] ?? (values[0] as string));
}

/** FNV-1a over UTF-16 code units: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

function bytesOf(hashes: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(hashes).buffer);
}
