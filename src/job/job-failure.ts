/** The class of a failure that has none: the value OpenTelemetry reserves for "something else". */
export const OTHER_ERROR_TYPE = "_OTHER";

/** The class of a job whose end nobody could tell of, as its process was gone. */
export const INTERRUPTED = "interrupted";

/** The class of a job that exceeded its time budget. */
export const TIMEOUT = "timeout";

/** Failure text and low-cardinality class of anything that was thrown; never throws itself. */
export function failureOf(thrown: unknown): { error: string; errorType: string } {
  try {
    if (isError(thrown)) {
      return { error: String(thrown.message), errorType: classOf(thrown) };
    }
    return { error: typeof thrown === "string" ? thrown : String(thrown), errorType: OTHER_ERROR_TYPE };
  } catch {
    return { error: "unprintable error", errorType: OTHER_ERROR_TYPE };
  }
}

/** An error of another realm, such as a `vm` context, is no `instanceof` ours. */
function isError(thrown: unknown): thrown is Error {
  if (thrown instanceof Error) return true;
  if (Object.prototype.toString.call(thrown) !== "[object Error]") return false;
  const { name, message } = thrown as Partial<Error>;
  return typeof name === "string" && typeof message === "string";
}

/** Subclasses seldom set `name`, and then inherit one that says nothing. */
function classOf(error: Error): string {
  const name = error.name === "Error" ? error.constructor?.name : error.name;
  return String(name || OTHER_ERROR_TYPE);
}
