export interface Refusal {
  message: string;
  /** Which line of the request is at fault, counted from 1. */
  line: unknown;
}

/** Why `fetch` failed, in as few words as its nested errors allow: `ECONNREFUSED`. */
export function fetchFailure(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === "AbortError" || name === "TimeoutError") return "no answer in time";
  const { code, message: reason } = (cause ?? {}) as NodeJS.ErrnoException;
  return code ?? reason ?? message;
}

/** What a bridge says in the body of a refusal; else the status alone. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const body = await response.text().catch(() => "");
  try {
    const { code, message, line } = JSON.parse(body).error;
    return { message: `${response.status} ${code}: ${message}`, line };
  } catch {
    return { message: `${response.status} ${response.statusText}`, line: undefined };
  }
}
