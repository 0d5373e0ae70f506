import type { Attempt } from "./attempt.ts";
import { refusalOf } from "./feed-error.ts";
import type { FeedOptions } from "./feed-options.ts";

/**
 * Asks the bridge for `path`.
 * @throws FeedError when it answers with an error, and what `fetch` throws
 */
export async function get(
  path: string,
  query: URLSearchParams,
  { url, token, credentials, fetch = globalThis.fetch }: FeedOptions,
  attempt: Attempt,
): Promise<Response> {
  const response = await attempt.wait(
    fetch(`${url.replace(/\/+$/, "")}${path}?${query}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      // As a property that is there, even undefined would be checked by some.
      ...(credentials && { credentials }),
      cache: "no-store",
      signal: attempt.signal,
    }),
  );
  if (!response.ok) throw await attempt.wait(refusalOf(response));
  return response;
}
