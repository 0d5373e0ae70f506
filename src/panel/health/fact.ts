import { number } from "../text/format.ts";

/** Something that was counted or found out, for people. */
export interface Fact {
  name: string;
  value: string;
  /** What it means, where that needs saying. */
  note?: string;
  /** Something was lost, or is about to be. */
  isBad?: boolean;
  /** Whether the value is too long to stand beside its name. */
  isLong?: boolean;
}

/** An answer of the bridge, or a part of one. */
export type Answer = Readonly<Record<string, unknown>>;

export function part(value: unknown): Answer {
  return typeof value === "object" && value !== null ? (value as Answer) : {};
}

/** Undefined for what is no number. */
export function count(
  name: string,
  value: unknown,
  isBad: (value: number) => boolean = () => false,
): Fact | undefined {
  return typeof value === "number" ? { name, value: number(value), isBad: isBad(value) } : undefined;
}

/** Something that should not be: undefined while there is none of it. */
export function fault(name: string, value: unknown, note?: string): Fact | undefined {
  if (!isPositive(value)) return undefined;
  return { name, value: number(value), ...(note !== undefined && { note }), isBad: true };
}

export function text(name: string, value: unknown): Fact | undefined {
  return typeof value === "string" ? { name, value } : undefined;
}

export function isPositive(value: unknown): value is number {
  return typeof value === "number" && value > 0;
}

export function present(facts: readonly (Fact | undefined)[]): Fact[] {
  return facts.filter((fact) => fact !== undefined);
}
