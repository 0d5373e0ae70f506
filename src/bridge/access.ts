import type { IncomingMessage } from "node:http";
import { OrchestraError } from "../errors.ts";
import { hostOfAddress, isLoopback, isWildcard, parseHost } from "./host-name.ts";
import { RateLimit } from "./rate-limit.ts";
import {
  authorityOf,
  hostOf,
  isEncrypted,
  isForwarded,
  isFromHere,
  localHostOf,
  portOf,
  senderOf,
} from "./request-source.ts";
import { equalSecrets } from "./secret.ts";
import { type CookiePlace, SessionCookie } from "./session-cookie.ts";

export interface AccessOptions {
  /** The address to bind. */
  host: string;
  /** What writers, and readers from other machines, must send. Visible ASCII. */
  token?: string | undefined;
  /** Names besides this machine's own that requests may be addressed to, such as a proxy's. */
  allowedHosts?: readonly string[] | undefined;
  /** Sites besides this server's own whose pages may talk to it, such as `https://panel.example`. */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * Writes a second that one address may send for long, and twice as many in a burst; all addresses
   * together may send twice that. Default: 1,000.
   */
  writesPerSecond?: number | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: (() => number) | undefined;
}

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;
const TOKEN = /^[\x21-\x7e]+$/;
const HOW_TO_SET = "set one with the option `token` or ORCHESTRA_TOKEN";
const DEFAULT_WRITES_PER_SECOND = 1_000;
/** Wrong tokens that an address may send: a person mistypes, a program guesses. */
const GUESSES = { each: { burst: 10, perSecond: 0.2 }, all: { burst: 100, perSecond: 2 } };

/** Who may ask for what. Each check throws; what passes returns. */
export class Access {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #isOpenToReaders: boolean;
  readonly #token: string | undefined;
  readonly #cookie: SessionCookie | undefined;
  readonly #writes: RateLimit;
  readonly #guesses: RateLimit;

  /** @throws INVALID_CONFIG for what cannot be used, or would leave the feed open to other machines */
  constructor(options: AccessOptions) {
    const { host, token, allowedHosts = [], allowedOrigins = [], now = Date.now } = options;
    const { writesPerSecond = DEFAULT_WRITES_PER_SECOND } = options;
    const ownHost = hostOfAddress(host);
    this.#isOpenToReaders = isLoopback(ownHost);
    checkTokenOption(token, host, this.#isOpenToReaders);
    this.#token = token;
    this.#cookie = token === undefined ? undefined : new SessionCookie(token, now);
    this.#hosts = new Set([ownHost, ...allowedHosts.map(requireHost)].filter((name) => !isWildcard(name)));
    this.#origins = new Set(allowedOrigins.map(requireOrigin));
    this.#writes = new RateLimit({ ...writesAllowed(writesPerSecond), now });
    this.#guesses = new RateLimit({ ...GUESSES, now });
  }

  /**
   * A page of another site can make its own name resolve to this machine, but then still sends that name.
   * @throws BAD_REQUEST, FORBIDDEN_HOST
   */
  checkHost(request: IncomingMessage): void {
    const name = hostOf(request);
    if (name === undefined) throw new OrchestraError("BAD_REQUEST", "Expected exactly one valid Host header");
    const isOwn = isLoopback(name) || this.#hosts.has(name) || name === localHostOf(request);
    if (!isOwn) {
      throw new OrchestraError(
        "FORBIDDEN_HOST",
        `Host \`${name}\` is not one of this server's \`allowedHosts\``,
      );
    }
  }

  /**
   * Returns the origin to name in CORS headers; undefined for requests that come from no other site.
   * @throws FORBIDDEN_ORIGIN
   */
  checkOrigin(request: IncomingMessage): string | undefined {
    const { origin } = request.headers;
    if (origin !== undefined && this.#origins.has(origin)) return origin;
    const isOwn = origin === undefined ? !isEmbedded(request) : isOwnOrigin(origin, request);
    if (isOwn) return undefined;
    throw new OrchestraError("FORBIDDEN_ORIGIN", "The page's origin is not one of `allowedOrigins`");
  }

  /**
   * @throws UNAUTHORIZED unless the token was sent, or the feed is bound to and addressed by loopback and
   * no proxy stands in between: behind one may be anybody; RATE_LIMITED as `checkToken`
   */
  checkReader(request: IncomingMessage): void {
    const isLocal = this.#isOpenToReaders && isLoopback(hostOf(request) ?? "") && !isForwarded(request);
    if (!isLocal) this.checkToken(request);
  }

  /** @throws as `checkToken`; RATE_LIMITED when too much is written */
  checkWriter(request: IncomingMessage): void {
    this.checkToken(request);
    this.#writes.take(senderOf(request));
  }

  /** @throws UNAUTHORIZED unless the token or a session cookie was sent; RATE_LIMITED for too many wrong ones */
  checkToken(request: IncomingMessage): void {
    const { authorization, cookie } = request.headers;
    if (authorization === undefined && this.#cookie?.isIn(cookie, placeOf(request))) return;
    this.#checkBearer(request);
  }

  /**
   * Returns the `Set-Cookie` value with which a browser goes on without the token. A cookie is not enough:
   * it would prolong itself for ever.
   * @throws UNAUTHORIZED, RATE_LIMITED
   */
  issueCookie(request: IncomingMessage): string {
    this.#checkBearer(request);
    return (this.#cookie as SessionCookie).issue(placeOf(request));
  }

  #checkBearer(request: IncomingMessage): void {
    if (this.#token === undefined) {
      throw new OrchestraError("UNAUTHORIZED", `This needs a token and the server has none: ${HOW_TO_SET}`);
    }
    const bearer = BEARER.exec(request.headers.authorization ?? "")?.[1];
    if (bearer === undefined) {
      throw new OrchestraError("UNAUTHORIZED", "Expected the token as `Authorization: Bearer <token>`");
    }
    // All programs of this machine are one sender. None of them may keep the others out.
    if (!isFromHere(request)) this.#guesses.check(senderOf(request));
    if (equalSecrets(bearer, this.#token)) return;
    this.#guesses.take(senderOf(request));
    throw new OrchestraError("UNAUTHORIZED", "This is not the token");
  }
}

function placeOf(request: IncomingMessage): CookiePlace {
  return { port: portOf(request), isEncrypted: isEncrypted(request) };
}

/** Without TLS of our own, a proxy before us may have it. */
function isOwnOrigin(origin: string, request: IncomingMessage): boolean {
  const host = authorityOf(request);
  return origin === `https://${host}` || (origin === `http://${host}` && !isEncrypted(request));
}

/**
 * Whether a page of another site has a browser fetch this into it, such as an image or a frame: that sends
 * no Origin, and can read nothing, but would hold connections. https://www.w3.org/TR/fetch-metadata/
 */
function isEmbedded({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"] ?? "none";
  return site !== "none" && site !== "same-origin" && headers["sec-fetch-dest"] !== "document";
}

function writesAllowed(perSecond: number) {
  if (!(perSecond > 0)) {
    throw invalidConfig("writesPerSecond", "Expected `writesPerSecond` to be a number above 0");
  }
  return {
    each: { burst: Math.max(1, 2 * perSecond), perSecond },
    all: { burst: Math.max(1, 4 * perSecond), perSecond: 2 * perSecond },
  };
}

function checkTokenOption(token: string | undefined, host: string, isOpenToReaders: boolean): void {
  if (token !== undefined && !TOKEN.test(token)) {
    throw invalidConfig("token", "Expected `token` to be visible ASCII without spaces, and not empty");
  }
  if (token === undefined && !isOpenToReaders) {
    throw invalidConfig("token", `Binding \`${host}\` needs a \`token\`: others can reach it; ${HOW_TO_SET}`);
  }
}

function requireHost(host: string): string {
  const name = parseHost(hostOfAddress(host));
  if (name === undefined || isWildcard(name)) {
    throw invalidConfig("allowedHosts", `Expected \`allowedHosts\` to be host names, got \`${host}\``);
  }
  return name;
}

function requireOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
  throw invalidConfig(
    "allowedOrigins",
    `Expected \`allowedOrigins\` to be origins such as \`https://panel.example\`, got \`${origin}\``,
  );
}

function invalidConfig(path: string, message: string): OrchestraError {
  return new OrchestraError("INVALID_CONFIG", message, { path });
}
