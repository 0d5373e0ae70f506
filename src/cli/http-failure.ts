/** Why `fetch` failed, in as few words as its nested errors allow: `ECONNREFUSED`. */
export function fetchFailure(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: reason } = (cause ?? {}) as NodeJS.ErrnoException;
  return code ?? reason ?? message;
}

/** What a bridge says in the body of a refusal; else the status alone. */
export async function refusalOf(response: Response): Promise<string> {
  const body = await response.text().catch(() => "");
  try {
    const { code, message } = JSON.parse(body).error;
    return `${response.status} ${code}: ${message}`;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}
