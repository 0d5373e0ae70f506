import { SMUGGLING } from "../fixtures/smuggling.ts";
import { HostileBodies } from "./hostile-bodies.ts";
import { CURSORS, mutated, someBytes, someText, TEXTS } from "./hostile-texts.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface HostileRequest {
  bytes: Buffer;
  method: string;
  /** Posted, so whatever is an event of it may come back in the feed, if its answer says so. */
  body: Buffer | undefined;
  /** What may be taken for a body of what is malformed. */
  perhaps: readonly Buffer[];
}

const ROUTES = ["/v1/events", "/v1/jobs", "/v1/jobs/job-1", "/v1/status", "/healthz", "/readyz"];
const PARAMETERS = ["type", "workerId", "sessionId", "jobId", "after", "last_event_id", "limit", "status"];
const METHODS = ["GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE", "PUT", "PATCH", "TRACE", "PURGE", "QUERY"];
const HEADERS = [
  "Accept: text/event-stream",
  "Accept-Encoding: gzip, br, \u00ff",
  "Range: bytes=0-18446744073709551615",
  "If-None-Match: *",
  "Expect: miracles",
  "TE: trailers",
  "X-Forwarded-For: 127.0.0.1",
  "X-Forwarded-Host: evil.example",
  "X-HTTP-Method-Override: DELETE",
  "X-Original-URL: /v1/status",
  "Cookie: orchestra_session_4319=9999999999.0; __proto__=1",
  "Cookie: ;;;=;=;",
  "Authorization: Basic YTpi",
  "Authorization: Bearer",
  "Authorization: Bearer wrong",
  "Accept-Version: 1.x",
  "Content-Type: application/json",
  "__proto__: x",
  "constructor: x",
  "X-Empty:",
];
/** After these the connection may be closed. */
const CLOSING = [
  "Host: evil.example",
  "Host: localhost:99999999",
  "Host: localhost, evil.example",
  "Host: \u00ff",
  "Host: [::1",
  "Host:",
  "Host: localhost\r\nHost: evil.example",
  "X-No-Host: localhost",
  "Host: localhost\r\nOrigin: https://evil.example",
  "Host: localhost\r\nOrigin: null",
  "Host: localhost\r\nSec-Fetch-Site: cross-site",
  "Host: localhost\r\nConnection: close",
  "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
  "Host: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
];

/** Makes requests that are good HTTP, and ones that are not. */
export class HostileRequests {
  readonly #random: SeededRandom;
  readonly #bodies: HostileBodies;
  readonly #authorization: string;
  #smuggled = 0;

  constructor(random: SeededRandom, token: string) {
    this.#random = random;
    this.#bodies = new HostileBodies(random, "hostile");
    this.#authorization = `Authorization: Bearer ${token}`;
  }

  /** One that is answered, and after which the connection goes on. */
  plain(): HostileRequest {
    const random = this.#random;
    if (random.chance(0.3)) return this.#post();
    if (random.chance(0.07)) return this.#cancel();
    const method = random.pick(METHODS);
    // A feed that begins would never end.
    const isFeed = method === "GET" || method === "HEAD";
    const path = this.#path();
    const target =
      isFeed && path.startsWith("/v1/events") ? `${path}${path.includes("?") ? "&" : "?"}typo` : path;
    return this.#request(method, target, ["Host: localhost", ...this.#headers()]);
  }

  /** One for the feed, from a place that may be anywhere. */
  feed(): HostileRequest {
    const random = this.#random;
    const cursor = random.chance(0.5) ? random.pick(CURSORS) : latin(someText(random));
    const query = random.chance(0.5) ? `?after=${target(random.pick(CURSORS))}` : "";
    return this.#request("GET", `/v1/events${query}`, ["Host: localhost", `Last-Event-ID: ${cursor}`]);
  }

  /** The last of its connection: refused before it is looked at, or told to be the last. */
  last(): HostileRequest {
    return this.#request("GET", this.#path().replace("/v1/events", "/v1/jobs"), [this.#random.pick(CLOSING)]);
  }

  /** What is no HTTP, or is HTTP to some and another thing to others. */
  malformed(): HostileRequest {
    const random = this.#random;
    const roll = random.between(0, 9);
    if (roll < 5) return raw(this.#smuggling());
    if (roll === 5) return raw(someBytes(random, 300));
    if (roll === 6) return raw(Buffer.concat([PREFACE, someBytes(random, 200)]));
    if (roll === 7) return raw(Buffer.from(random.pick(BROKEN), "latin1"));
    // In chunks its events could not be told any more.
    const { bytes, body } = random.pick([this.#post(false), this.last(), this.feed()]);
    return raw(mutated(random, bytes), body);
  }

  #path(): string {
    const random = this.#random;
    const roll = random.between(0, 19);
    if (roll === 0) return "//";
    if (roll === 1) return `/${target(someText(random))}`;
    if (roll === 2) return `${random.pick(ROUTES)}/${target(someText(random))}`;
    if (roll === 3) return `/v1/jobs/${encodeURIComponent(someText(random).toWellFormed())}`;
    if (roll === 4)
      return random.pick(["/v1/%zz", "/v1/jobs/%ff", "*", "http://evil.example/v1/jobs", "/v1/jobs/"]);
    if (roll === 5) return random.pick(["/v1/schema", "/openapi.json"]);
    const query = Array.from({ length: random.between(0, 3) }, () => this.#parameter());
    return query.length === 0 ? random.pick(ROUTES) : `${random.pick(ROUTES)}?${query.join("&")}`;
  }

  #parameter(): string {
    const random = this.#random;
    const name = random.chance(0.8) ? random.pick(PARAMETERS) : random.pick(TEXTS);
    const value = random.chance(0.3) ? random.pick(CURSORS).slice(0, 2_000) : someText(random);
    return `${target(name)}=${target(value)}`;
  }

  #headers(): string[] {
    const random = this.#random;
    const headers = Array.from({ length: random.between(0, 3) }, () => random.pick(HEADERS));
    if (random.chance(0.3)) headers.push(`X-${random.between(0, 99)}: ${latin(someText(random))}`);
    if (random.chance(0.2)) headers.push(this.#authorization);
    return headers;
  }

  #post(mayChunk = true): HostileRequest {
    const random = this.#random;
    const { type, bytes } = this.#bodies.next();
    const headers = ["Host: localhost", this.#authorization, `Content-Type: ${type}`];
    if (random.chance(0.1)) headers.splice(1, 1, random.pick(HEADERS));
    const chunks = mayChunk && random.chance(0.3) ? this.#chunked(bytes) : undefined;
    return this.#request(random.chance(0.02) ? "PUT" : "POST", "/v1/events", headers, bytes, chunks);
  }

  #cancel(): HostileRequest {
    const random = this.#random;
    const id = random.chance(0.3)
      ? `own-${random.between(0, 300)}`
      : encodeURIComponent(someText(random).toWellFormed());
    const headers = ["Host: localhost", this.#authorization, "Content-Type: application/json"];
    return this.#request("POST", `/v1/jobs/${id}/cancel`, headers, this.#bodies.cancel());
  }

  #request(
    method: string,
    path: string,
    headers: readonly string[],
    body?: Buffer,
    chunks?: Buffer,
  ): HostileRequest {
    const length = chunks ? ["Transfer-Encoding: chunked"] : body ? [`Content-Length: ${body.length}`] : [];
    const head = `${method} ${path} HTTP/1.1\r\n${[...headers, ...length].join("\r\n")}\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(head, "latin1"), chunks ?? body ?? Buffer.alloc(0)]);
    return { bytes, method, body, perhaps: [] };
  }

  #chunked(body: Buffer): Buffer {
    const random = this.#random;
    const chunks: Buffer[] = [];
    for (let at = 0; at < body.length; ) {
      const end = Math.min(body.length, at + random.pick([1, 2, 17, 1_000, 20_000]));
      // Byte by byte to the end would be all that anybody did.
      const to = chunks.length > 20 ? body.length : end;
      const extension = random.pick(["", "", ";x", ";x=y", `;${"x".repeat(200)}`]);
      chunks.push(Buffer.from(`${(to - at).toString(16)}${extension}\r\n`), body.subarray(at, to), CRLF);
      at = to;
    }
    const trailers = random.pick(["", "", "X-Trailer: y\r\n", "Authorization: Bearer wrong\r\n"]);
    return Buffer.concat([...chunks, Buffer.from(`0\r\n${trailers}\r\n`)]);
  }

  /** Behind a request that some would take to be longer than others: an event that must not be taken. */
  #smuggling(): Buffer {
    const id = `smuggled-${this.#smuggled++}`;
    const event = { version: 1, id, type: "orchestra.error", timestamp: 1, data: { message: "smuggled" } };
    const json = JSON.stringify(event);
    const headers = `Host: localhost\r\n${this.#authorization}\r\nContent-Type: application/json\r\n`;
    const inner = `POST /v1/events HTTP/1.1\r\n${headers}Content-Length: ${json.length}\r\n\r\n${json}`;
    const outer = `POST /v1/events HTTP/1.1\r\n${headers}`;
    return Buffer.from(this.#random.pick(SMUGGLING).shape(outer, inner), "latin1");
  }
}

/** So that what is to be answered stays below the limit of a request's head. */
const MAX_TEXT = 300;
const CRLF = Buffer.from("\r\n");
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const BROKEN: readonly string[] = [
  "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
  "GET / HTTP/1.0\r\n\r\n",
  "GET /\r\n\r\n",
  "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "\r\n\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "get / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "CONNECT / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\n\r\n",
  "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: localhost\r\n: empty\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
  "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
  `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(40_000)}\r\n\r\n`,
  `GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: ${"a".repeat(16_384)}\r\n\r\n`,
  `GET /${"a".repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: localhost\r\n${"X: y\r\n".repeat(5_000)}\r\n`,
  `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(2_500)}Host: evil.example\r\nConnection: close\r\n\r\n`,
  "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "SSH-2.0-x\r\n",
  "\x80\x2e\x01\x00\x02",
];

/** @param body of what it was before it was spoiled, perhaps behind its end */
function raw(bytes: Buffer, body?: Buffer): HostileRequest {
  const end = bytes.indexOf("\r\n\r\n");
  const perhaps = [...(end === -1 ? [] : [bytes.subarray(end + 4)]), ...(body ? [body] : [])];
  return { bytes, method: "GET", body: undefined, perhaps };
}

/** As it may stand in a header. */
function latin(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "?");
}

/** As it may stand in a path: not all of it is escaped that should be. */
function target(text: string): string {
  const some = text.slice(0, MAX_TEXT).toWellFormed();
  return some.replace(/[^!-~]|#/gu, (character) => encodeURIComponent(character));
}
