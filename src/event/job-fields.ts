import type * as z from "zod";
import type { JobEvent } from "./event.ts";
import { JOB_EVENT_DATA } from "./event-fields.ts";

/** Longest text kept of an event, in UTF-16 code units, and most entries of a list. */
const MAX_LENGTH = 4_096;
const MAX_ENTRIES = 20;

/**
 * What a job event says in the fields that its type has: each fits its schema, and long texts are cut.
 * Inside a program nobody has checked the event before, so a field that does not fit is left out alone.
 */
export function fieldsOf<E extends JobEvent>({ type, data }: E): Partial<E["data"]> {
  const schema: z.ZodObject = JOB_EVENT_DATA[type];
  const { success, data: fields } = schema.safeParse(data);
  return cut(success ? fields : fittingFields(schema, data)) as Partial<E["data"]>;
}

function fittingFields({ shape }: z.ZodObject, data: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const value = (data as Record<string, unknown>)[name];
    const { success, data: field } = (schema as z.ZodType).safeParse(cut(value));
    if (success && field !== undefined) fields[name] = field;
  }
  return fields;
}

/** A value with every text and list in it cut. */
function cut(value: unknown): unknown {
  if (typeof value === "string") return cutText(value);
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map(cut);
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) copy[name] = cut((value as Record<string, unknown>)[name]);
  return copy;
}

function cutText(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  return `${text.slice(0, MAX_LENGTH - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
