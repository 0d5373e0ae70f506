import { invalidArgument } from "../src/errors.ts";

/** @throws INVALID_ARGUMENT unless `value` is a whole number in the range */
export function requireCount(
  path: string,
  value: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const expected = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw invalidArgument(path, `a whole number ${expected}`, value);
}
