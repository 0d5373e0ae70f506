import { createHmac } from "node:crypto";
import { equalSecrets } from "./secret.ts";

/** How long a browser stays signed in, in seconds. */
const SESSION_SECONDS = 12 * 60 * 60;
const COOKIE_VALUE = /^([0-9]{1,15})\.([0-9a-f]{64})$/;

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

  /** A `Set-Cookie` value. Cookies do not tell ports apart, so the name does. */
  issue(port: number): string {
    const expires = Math.floor(this.#now() / 1_000) + SESSION_SECONDS;
    const value = `${expires}.${this.#sign(expires)}`;
    return `${cookieName(port)}=${value}; Max-Age=${SESSION_SECONDS}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Whether a `Cookie` header holds a value that was issued here and has not expired. */
  isIn(header: string | undefined, port: number): boolean {
    const prefix = `${cookieName(port)}=`;
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

function cookieName(port: number): string {
  return `orchestra_session_${port}`;
}
