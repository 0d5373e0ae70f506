import { OrchestraError } from "../errors.ts";
import type { OrchestratorEvent } from "./event.ts";
import type { UnplacedEvent } from "./event-log.ts";

/**
 * An event with its JSON. One that JSON cannot hold, or that says itself what it is in JSON, becomes what
 * its JSON says, so that no log, filter or sink meets a cycle, a BigInt or a getter that throws.
 * @throws INVALID_EVENT when its JSON is not that event's any more
 */
export function encodeEvent(event: OrchestratorEvent): UnplacedEvent {
  if (!("toJSON" in event)) {
    try {
      return { event, json: JSON.stringify(event) };
    } catch {
      // Something in its data; the slow way finds a text for it.
    }
  }
  const json = encodeJson(event);
  const told = JSON.parse(json);
  if (told?.type !== event.type || told.id !== event.id) {
    throw new OrchestraError("INVALID_EVENT", `The JSON of a ${event.type} event is no such event`);
  }
  return { event: told, json };
}

/**
 * `JSON.stringify` that always yields JSON. What JSON cannot hold becomes a string in its place:
 * a BigInt its digits, a cycle `[Circular]`, a value whose `toJSON` or getter throws `[Unserializable]`.
 */
export function encodeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return JSON.stringify(plain(value, new Set(), 0)) ?? "null";
  }
}

/** Control characters, quotes, backslashes and lone surrogates; a text without any is JSON but for its quotes. */
const NEEDS_ESCAPE = /[\p{Cc}\p{Cs}"\\]/u;

/** `JSON.stringify` of a text, for who writes JSON piece by piece: most texts need no more than quotes. */
export function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Beyond this depth a value is not worth its bytes, and a hostile one would exhaust the stack. */
const MAX_DEPTH = 64;

function plain(value: unknown, ancestors: Set<object>, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (ancestors.has(value)) return "[Circular]";
  if (depth === MAX_DEPTH) return "[Too deep]";
  ancestors.add(value);
  try {
    return plainObject(value, ancestors, depth + 1);
  } catch {
    return "[Unserializable]";
  } finally {
    ancestors.delete(value);
  }
}

function plainObject(value: object, ancestors: Set<object>, depth: number): unknown {
  const replaced = "toJSON" in value && typeof value.toJSON === "function" ? value.toJSON() : value;
  if (replaced !== value) return plain(replaced, ancestors, depth);
  if (Array.isArray(value)) return value.map((item) => plain(item, ancestors, depth));
  const copy: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) copy[key] = plainProperty(value, key, ancestors, depth);
  return copy;
}

function plainProperty(value: object, key: string, ancestors: Set<object>, depth: number): unknown {
  try {
    return plain((value as Record<string, unknown>)[key], ancestors, depth);
  } catch {
    return "[Unserializable]";
  }
}
