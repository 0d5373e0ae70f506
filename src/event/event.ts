import * as z from "zod";
import { invalidArgument, OrchestraError } from "../errors.ts";
import { AMBIENT_EVENT_DATA, JOB_EVENT_DATA, name, timestamp, traceparent } from "./event-fields.ts";
import { createEventId } from "./event-id.ts";

/** Rises only on a breaking change; consumers ignore fields and types they do not know. */
export const EVENT_VERSION = 1;

/** The schema of each type's `data`: the one truth from which types, JSON Schema and docs derive. */
export const EVENT_DATA = { ...JOB_EVENT_DATA, ...AMBIENT_EVENT_DATA } as const;

export type OrchestratorEventType = keyof typeof EVENT_DATA;

export const EVENT_TYPES = Object.keys(EVENT_DATA) as OrchestratorEventType[];

/** The `data` of each event type. */
export type OrchestratorEventDataMap = { [T in OrchestratorEventType]: z.infer<(typeof EVENT_DATA)[T]> };

/** What every event carries around its `data`. */
interface EventEnvelope<T extends OrchestratorEventType> {
  version: typeof EVENT_VERSION;
  /** Unique; a UUID v7 where we create it. A log takes each id once. */
  id: string;
  type: T;
  /** Milliseconds since the epoch. */
  timestamp: number;
  /** The `service.instance.id` of the process that published it. */
  source?: string | undefined;
  traceparent?: string | undefined;
  data: OrchestratorEventDataMap[T];
}

/** One event of the type `T`; without an argument, the union of all, told apart by `type`. */
export type OrchestratorEvent<T extends OrchestratorEventType = OrchestratorEventType> = {
  [K in T]: EventEnvelope<K>;
}[T];

export type JobEventType = keyof typeof JOB_EVENT_DATA;
export type JobEvent = OrchestratorEvent<JobEventType>;

function envelope(type: OrchestratorEventType) {
  return z.object({
    version: z.literal(EVENT_VERSION),
    id: name,
    type: z.literal(type),
    timestamp,
    source: name.optional(),
    traceparent: traceparent.optional(),
    data: EVENT_DATA[type],
  });
}

/** Checks an event of any known type. */
export const orchestratorEventSchema = z.discriminatedUnion(
  "type",
  EVENT_TYPES.map(envelope) as [ReturnType<typeof envelope>, ...ReturnType<typeof envelope>[]],
);

export interface EventEnvelopeInput {
  /** Default: a new UUID v7. Empty: the publisher fills it in when it appends the event. */
  id?: string | undefined;
  /** Milliseconds since the epoch. Default: now. */
  timestamp?: number | undefined;
  source?: string | undefined;
  traceparent?: string | undefined;
}

/** Wraps `data` into an event. It is not checked: `data`'s type is the contract inside a program. */
export function createOrchestratorEvent<T extends OrchestratorEventType>(
  type: T,
  data: OrchestratorEventDataMap[T],
  input: EventEnvelopeInput = {},
): OrchestratorEvent<T> {
  // The mapped union cannot be built from a generic `T`; its members have exactly this shape.
  return {
    version: EVENT_VERSION,
    id: input.id ?? createEventId(),
    type,
    timestamp: input.timestamp ?? Date.now(),
    source: input.source,
    traceparent: input.traceparent,
    data,
  } as unknown as OrchestratorEvent<T>;
}

/**
 * Checks what came from outside and returns it as it came, additive fields included.
 * @throws INVALID_EVENT with the path of the first field that does not fit
 */
export function parseOrchestratorEvent(input: unknown): OrchestratorEvent {
  const result = orchestratorEventSchema.safeParse(input);
  if (result.success) return input as OrchestratorEvent;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.join(".");
  throw new OrchestraError("INVALID_EVENT", path === "" ? issue.message : `${path}: ${issue.message}`, {
    path,
  });
}

export function isEventType(type: unknown): type is OrchestratorEventType {
  return typeof type === "string" && Object.hasOwn(EVENT_DATA, type);
}

/** @throws INVALID_ARGUMENT for anything but an event of a known type; its fields are not checked */
export function requireEventType(event: OrchestratorEvent): void {
  const type: unknown = event?.type;
  if (!isEventType(type)) throw invalidArgument("type", "an event type", type);
}

export function isJobEvent(event: OrchestratorEvent): event is JobEvent {
  return Object.hasOwn(JOB_EVENT_DATA, event.type);
}
