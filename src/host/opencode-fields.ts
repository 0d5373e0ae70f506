/** Readers of values that nobody has checked; what does not fit is undefined. */

export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

export function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A text that is not empty: ids and names. */
export function name(value: unknown): string | undefined {
  return text(value) || undefined;
}

/** Amounts and times. */
export function amount(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value < Number.MAX_SAFE_INTEGER ? value : undefined;
}
