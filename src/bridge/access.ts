import type { IncomingMessage } from "node:http";
import { OrchestraError } from "../errors.ts";
import { hostOfAddress, isLoopback, isWildcard, parseHost } from "./host-name.ts";
import { equalSecrets } from "./secret.ts";
import { SessionCookie } from "./session-cookie.ts";

export interface AccessOptions {
  /** The address to bind. */
  host: string;
  /** What writers, and readers from other machines, must send. Visible ASCII. */
  token?: string | undefined;
  /** Names besides this machine's own that requests may be addressed to, such as a proxy's. */
  allowedHosts?: readonly string[] | undefined;
  /** Sites besides this server's own whose pages may talk to it, such as `https://panel.example`. */
  allowedOrigins?: readonly string[] | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: (() => number) | undefined;
}

/** What a proxy adds to what it sends on; RFC 7239, RFC 9110 (section 7.6.3), and custom. */
const FORWARDING = /^(?:forwarded|via|x-real-ip|x-forwarded-.*)$/;
const BEARER = /^Bearer +([\x21-\x7e]+)$/i;
const TOKEN = /^[\x21-\x7e]+$/;
const HOW_TO_SET = "set one with the option `token` or ORCHESTRA_TOKEN";

/** Who may ask for what. Each check throws; what passes returns. */
export class Access {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #isOpenToReaders: boolean;
  readonly #token: string | undefined;
  readonly #cookie: SessionCookie | undefined;

  /** @throws INVALID_CONFIG for what cannot be used, or would leave the feed open to other machines */
  constructor({ host, token, allowedHosts = [], allowedOrigins = [], now = Date.now }: AccessOptions) {
    const ownHost = hostOfAddress(host);
    this.#isOpenToReaders = isLoopback(ownHost);
    if (token !== undefined && !TOKEN.test(token)) {
      throw invalidConfig("token", "Expected `token` to be visible ASCII without spaces, and not empty");
    }
    if (token === undefined && !this.#isOpenToReaders) {
      throw invalidConfig(
        "token",
        `Binding \`${host}\` needs a \`token\`: others can reach it; ${HOW_TO_SET}`,
      );
    }
    this.#token = token;
    this.#cookie = token === undefined ? undefined : new SessionCookie(token, now);
    this.#hosts = new Set([ownHost, ...allowedHosts.map(requireHost)].filter((name) => !isWildcard(name)));
    this.#origins = new Set(allowedOrigins.map(requireOrigin));
  }

  /**
   * A page of another site can make its own name resolve to this machine, but then still sends that name.
   * @throws BAD_REQUEST, FORBIDDEN_HOST
   */
  checkHost(request: IncomingMessage): void {
    const name = hostOf(request);
    if (name === undefined) throw new OrchestraError("BAD_REQUEST", "Expected exactly one valid Host header");
    const isOwn = isLoopback(name) || this.#hosts.has(name) || name === localHost(request);
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
    const { origin, host } = request.headers;
    if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return undefined;
    if (this.#origins.has(origin)) return origin;
    throw new OrchestraError("FORBIDDEN_ORIGIN", "The page's origin is not one of `allowedOrigins`");
  }

  /**
   * @throws UNAUTHORIZED unless the token was sent, or the feed is bound to and addressed by loopback and
   * no proxy stands in between: behind one may be anybody
   */
  checkReader(request: IncomingMessage): void {
    const isLocal = this.#isOpenToReaders && isLoopback(hostOf(request) ?? "") && !isForwarded(request);
    if (!isLocal) this.checkToken(request);
  }

  /** @throws UNAUTHORIZED unless the token or a session cookie was sent */
  checkToken(request: IncomingMessage): void {
    const { authorization, cookie } = request.headers;
    if (authorization === undefined && this.#cookie?.isIn(cookie, portOf(request))) return;
    this.#checkBearer(authorization);
  }

  /**
   * Returns the `Set-Cookie` value with which a browser goes on without the token. A cookie is not enough:
   * it would prolong itself for ever.
   * @throws UNAUTHORIZED
   */
  issueCookie(request: IncomingMessage): string {
    this.#checkBearer(request.headers.authorization);
    return (this.#cookie as SessionCookie).issue(portOf(request));
  }

  #checkBearer(authorization = ""): void {
    if (this.#token === undefined) {
      throw new OrchestraError("UNAUTHORIZED", `This needs a token and the server has none: ${HOW_TO_SET}`);
    }
    const bearer = BEARER.exec(authorization)?.[1];
    if (bearer === undefined) {
      throw new OrchestraError("UNAUTHORIZED", "Expected the token as `Authorization: Bearer <token>`");
    }
    if (!equalSecrets(bearer, this.#token)) throw new OrchestraError("UNAUTHORIZED", "This is not the token");
  }
}

function isForwarded({ headers }: IncomingMessage): boolean {
  return Object.keys(headers).some((name) => FORWARDING.test(name));
}

function hostOf(request: IncomingMessage): string | undefined {
  const hosts = request.headersDistinct.host ?? [];
  return hosts.length === 1 ? parseHost(hosts[0] as string) : undefined;
}

/** The address the request came in by; pages cannot make a browser send an address that is not theirs. */
function localHost(request: IncomingMessage): string {
  return hostOfAddress(request.socket.localAddress ?? "");
}

function portOf(request: IncomingMessage): number {
  return request.socket.localPort ?? 0;
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
