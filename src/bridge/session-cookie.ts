import { createHmac } from "node:crypto";
import { equalSecrets } from "./secret.ts";

/** How long a browser stays signed in, in seconds. */
const SESSION_SECONDS = 12 * 60 * 60;
const COOKIE_VALUE = /^([0-9]{1,15})\.([0-9a-f]{64})$/;

/** Cookies do not tell ports apart, so their names do. */
export interface CookiePlace {
  port: number;
  isEncrypted: boolean;
}

/**
 * Lets a browser's EventSource, which cannot send an Authorization header, prove that it once had the
 * token. The value is a signature over its own end, so nothing is stored and the token is not in it.
 */
export class SessionCookie {
  readonly #token: string;
  readonly #now: () => number;

  constructor(token: string, now: () => number) {
    this.#token = token;
    this.#now = now;
  }

  /** A `Set-Cookie` value for the server at `place`. */
  issue(place: CookiePlace): string {
    const expires = Math.floor(this.#now() / 1_000) + SESSION_SECONDS;
    const pair = `${cookieName(place)}=${expires}.${this.#sign(expires)}`;
    const secure = place.isEncrypted ? "; Secure" : "";
    return `${pair}; Max-Age=${SESSION_SECONDS}; Path=/; HttpOnly; SameSite=Strict${secure}`;
  }

  /** Whether a `Cookie` header holds a value that was issued for `place` and has not expired. */
  isIn(header: string | undefined, place: CookiePlace): boolean {
    const prefix = `${cookieName(place)}=`;
    const cookies = header?.split(";").map((cookie) => cookie.trim()) ?? [];
    return cookies.some((cookie) => cookie.startsWith(prefix) && this.#isValid(cookie.slice(prefix.length)));
  }

  #isValid(value: string): boolean {
    const match = COOKIE_VALUE.exec(value);
    if (match === null) return false;
    const expires = Number(match[1]);
    return equalSecrets(match[2] as string, this.#sign(expires)) && expires * 1_000 > this.#now();
  }

  #sign(expires: number): string {
    return createHmac("sha256", this.#token).update(`orchestra-otel session until ${expires}`).digest("hex");
  }
}

/** The prefix keeps others, such as a subdomain's pages, from setting it: RFC 6265bis, section 4.1.3. */
function cookieName({ port, isEncrypted }: CookiePlace): string {
  return `${isEncrypted ? "__Host-" : ""}orchestra_session_${port}`;
}
