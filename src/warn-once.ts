import { reasonOf } from "./errors.ts";

/** Tells of a place's first failure; one line is enough, as the rest is in the counters. */
export function warnOnce(warn: (message: string) => void): (error: unknown, where: string) => void {
  const told = new Set<string>();
  return (error, where) => {
    if (told.has(where)) return;
    told.add(where);
    warn(`The ${where} failed and its failures are counted from now on: ${reasonOf(error)}`);
  };
}
