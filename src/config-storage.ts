import * as z from "zod";
import { SYNCHRONOUS, type Synchronous } from "./store/store.ts";

/** A variable that holds a number. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER) {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min}` : `${min} to ${max}`;
  const error = `expected a whole number from ${range}`;
  return z
    .string()
    .regex(/^\d+$/, error)
    .transform(Number)
    .pipe(z.int(error).min(min, error).max(max, error));
}

/** Longest time that a transaction may hold up the thread. */
const MAX_BUSY_TIMEOUT_MS = 60_000;
const synchronous = z.enum(SYNCHRONOUS, `expected one of ${SYNCHRONOUS.join(", ")}`);
const amount = z.int().min(1).optional();
const writtenAmount = wholeNumber(1).optional();

export const DATA_FILE_VARIABLES = {
  ORCHESTRA_DATA_FILE: z.string().optional(),
  ORCHESTRA_DATA_SYNCHRONOUS: synchronous.optional(),
  ORCHESTRA_DATA_BUSY_TIMEOUT_MS: wholeNumber(0, MAX_BUSY_TIMEOUT_MS).optional(),
  ORCHESTRA_DATA_MAX_WAITING: writtenAmount,
  ORCHESTRA_DATA_MAX_AGE_MS: writtenAmount,
  ORCHESTRA_DATA_MAX_EVENTS: writtenAmount,
  ORCHESTRA_DATA_MAX_BYTES: writtenAmount,
};

export const OUTBOX_VARIABLES = {
  ORCHESTRA_OUTBOX_MAX_BYTES: writtenAmount,
  ORCHESTRA_OUTBOX_MAX_MEMORY_BYTES: writtenAmount,
  ORCHESTRA_OUTBOX_MAX_DEAD_LETTER_BYTES: wholeNumber(0).optional(),
  ORCHESTRA_OUTBOX_MAX_UNSAVED_SPANS: writtenAmount,
  ORCHESTRA_OUTBOX_MAX_BATCH_SPANS: writtenAmount,
  ORCHESTRA_OUTBOX_MAX_BATCH_BYTES: writtenAmount,
};

/** `DataFileSettings`, for callers that no compiler checked; a text is the name of the file. */
export const DATA_FILE_SETTINGS = z.preprocess(
  (value) => (typeof value === "string" ? { file: value } : value),
  z
    .strictObject({
      file: z.string().min(1).optional(),
      synchronous: synchronous.optional(),
      busyTimeoutMs: z.int().min(0).max(MAX_BUSY_TIMEOUT_MS).optional(),
      maxWaiting: amount,
      retention: z.strictObject({ maxAgeMs: amount, maxEvents: amount, maxBytes: amount }).optional(),
    })
    .optional(),
);

/** `OutboxSettings`, for callers that no compiler checked. */
export const OUTBOX_SETTINGS = z.strictObject({
  maxBytes: amount,
  maxMemoryBytes: amount,
  maxDeadLetterBytes: z.int().min(0).optional(),
  maxUnsavedSpans: amount,
  maxBatchSpans: amount,
  maxBatchBytes: amount,
});

/** How the data file is written, and what it keeps of events. Defaults: see docs/operate.md. */
interface DataFileLimits {
  /** What a commit survives. */
  synchronous?: Synchronous | undefined;
  /** How long a write waits for another process, in milliseconds; it holds up the thread. */
  busyTimeoutMs?: number | undefined;
  /** Events kept in memory while the file cannot be written, the oldest dropped beyond it. */
  maxWaiting?: number | undefined;
  /** The first bound that is reached lets the oldest events go. */
  retention?: DataRetention | undefined;
}

interface DataRetention {
  /** Milliseconds since the event was appended. */
  maxAgeMs?: number | undefined;
  maxEvents?: number | undefined;
  maxBytes?: number | undefined;
}

export interface DataFileSettings extends DataFileLimits {
  /** Default: `ORCHESTRA_DATA_FILE`; without either, events and spans are in memory. */
  file?: string | undefined;
}

/** What is kept of spans that are not delivered. Defaults: see docs/operate.md. */
export interface OutboxSettings {
  /** Bytes of spans in the data file, the oldest dropped beyond it. */
  maxBytes?: number | undefined;
  /** The same without a data file. Default: 64 MiB. */
  maxMemoryBytes?: number | undefined;
  /** Bytes of spans kept that the receiver has rejected; 0 keeps none. */
  maxDeadLetterBytes?: number | undefined;
  /** Spans in memory while the data file takes none. */
  maxUnsavedSpans?: number | undefined;
  /** Spans in one request. */
  maxBatchSpans?: number | undefined;
  /** Bytes in one request. */
  maxBatchBytes?: number | undefined;
}

/** What the environment says, checked. */
type Read<T> = { [K in keyof T]?: T[K] extends z.ZodType<infer V> ? V : never };

export function dataFileConfig(
  variables: Read<typeof DATA_FILE_VARIABLES>,
  settings: string | DataFileSettings | undefined = {},
): DataFileSettings {
  const given = typeof settings === "string" ? { file: settings } : settings;
  const { maxAgeMs, maxEvents, maxBytes } = given.retention ?? {};
  return {
    file: given.file ?? variables.ORCHESTRA_DATA_FILE,
    synchronous: given.synchronous ?? variables.ORCHESTRA_DATA_SYNCHRONOUS,
    busyTimeoutMs: given.busyTimeoutMs ?? variables.ORCHESTRA_DATA_BUSY_TIMEOUT_MS,
    maxWaiting: given.maxWaiting ?? variables.ORCHESTRA_DATA_MAX_WAITING,
    retention: {
      maxAgeMs: maxAgeMs ?? variables.ORCHESTRA_DATA_MAX_AGE_MS,
      maxEvents: maxEvents ?? variables.ORCHESTRA_DATA_MAX_EVENTS,
      maxBytes: maxBytes ?? variables.ORCHESTRA_DATA_MAX_BYTES,
    },
  };
}

export function outboxConfig(
  variables: Read<typeof OUTBOX_VARIABLES>,
  settings: OutboxSettings = {},
): OutboxSettings {
  return {
    maxBytes: settings.maxBytes ?? variables.ORCHESTRA_OUTBOX_MAX_BYTES,
    maxMemoryBytes: settings.maxMemoryBytes ?? variables.ORCHESTRA_OUTBOX_MAX_MEMORY_BYTES,
    maxDeadLetterBytes: settings.maxDeadLetterBytes ?? variables.ORCHESTRA_OUTBOX_MAX_DEAD_LETTER_BYTES,
    maxUnsavedSpans: settings.maxUnsavedSpans ?? variables.ORCHESTRA_OUTBOX_MAX_UNSAVED_SPANS,
    maxBatchSpans: settings.maxBatchSpans ?? variables.ORCHESTRA_OUTBOX_MAX_BATCH_SPANS,
    maxBatchBytes: settings.maxBatchBytes ?? variables.ORCHESTRA_OUTBOX_MAX_BATCH_BYTES,
  };
}
