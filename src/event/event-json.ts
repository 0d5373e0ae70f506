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
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return plain(value.toJSON(), ancestors, depth);
  }
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
