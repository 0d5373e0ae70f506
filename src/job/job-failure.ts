/** The class of a failure that has none: the value OpenTelemetry reserves for "something else". */
export const OTHER_ERROR_TYPE = "_OTHER";

/** Failure text and low-cardinality class of anything that was thrown; never throws itself. */
export function failureOf(thrown: unknown): { error: string; errorType: string } {
  try {
    if (thrown instanceof Error) {
      return { error: String(thrown.message), errorType: String(thrown.name || OTHER_ERROR_TYPE) };
    }
    return { error: typeof thrown === "string" ? thrown : String(thrown), errorType: OTHER_ERROR_TYPE };
  } catch {
    return { error: "unprintable error", errorType: OTHER_ERROR_TYPE };
  }
}
