import type * as z from "zod";
import { OrchestraError } from "../errors.ts";

/** @throws INVALID_ARGUMENT with the path of the first value that does not fit */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const strangers = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...strangers].join(".");
  throw new OrchestraError("INVALID_ARGUMENT", path === "" ? issue.message : `${path}: ${issue.message}`, {
    path,
  });
}
