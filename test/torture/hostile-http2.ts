import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { HostileBodies } from "./hostile-bodies.ts";
import { CURSORS, someText } from "./hostile-texts.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What came of one stream. Status 0: it was reset, or never answered. */
export interface StreamOutcome {
  status: number;
  body: string;
  sent: Buffer | undefined;
  hung: boolean;
}

const STREAMS = 40;
/** So that no more writes wait at once than may. */
const AT_ONCE = 6;
const SILENCE_MS = 20_000;
const METHODS = ["GET", "GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "QUERY", "X", "connect", "CONNECT"];
const PATHS = [
  "/v1/jobs",
  "/v1/jobs/job-1",
  "/v1/events?typo",
  "/v1/status",
  "/healthz",
  "/v1/%zz",
  "//",
  "*",
];
const AUTHORITIES = ["evil.example", "localhost", "LOCALHOST:1", "user@localhost", "a b", ""];

/** Makes streams that nobody should open, over one connection after the other. */
export class HostileHttp2 {
  readonly #url: string;
  readonly #random: SeededRandom;
  readonly #bodies: HostileBodies;
  readonly #authorization: string;

  constructor(url: string, random: SeededRandom, token: string) {
    this.#url = url;
    this.#random = random;
    this.#bodies = new HostileBodies(random, "hostile-2");
    this.#authorization = `Bearer ${token}`;
  }

  /** One connection. @param expect is told of each body before it is sent */
  async run(expect: (body: Buffer) => void): Promise<StreamOutcome[]> {
    const session = connect(this.#url);
    // What is refused at the level of frames ends all of it.
    session.on("error", () => {});
    const outcomes: StreamOutcome[] = [];
    while (outcomes.length < STREAMS && !session.closed && !session.destroyed) {
      const some = Array.from({ length: AT_ONCE }, () => this.#stream(session, expect));
      outcomes.push(...(await Promise.all(some)));
    }
    session.destroy();
    return outcomes;
  }

  async #stream(session: ClientHttp2Session, expect: (body: Buffer) => void): Promise<StreamOutcome> {
    const random = this.#random;
    const { headers, body } = random.chance(0.4) ? this.#post() : { headers: this.#get(), body: undefined };
    const outcome: StreamOutcome = { status: 0, body: "", sent: body, hung: false };
    if (body) expect(body);
    if (session.closed || session.destroyed) return outcome;
    const stream = session.request(headers, { endStream: body === undefined });
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      outcome.hung = true;
      resolve();
    }, SILENCE_MS);
    stream.on("response", (answer) => {
      outcome.status = answer[":status"] ?? 0;
    });
    stream.setEncoding("utf8").on("data", (text: string) => {
      outcome.body += text;
    });
    stream
      .on("error", () => resolve())
      .once("end", resolve)
      .once("close", resolve);
    if (body) stream.end(body);
    if (random.chance(0.05)) stream.close(random.pick([0, 2, 8]));
    await promise;
    clearTimeout(timer);
    return outcome;
  }

  #post(): { headers: OutgoingHttpHeaders; body: Buffer } {
    const { type, bytes } = this.#bodies.next();
    const headers = { ":method": "POST", ":path": "/v1/events", "content-type": type };
    return { headers: { ...headers, ...this.#more(), authorization: this.#authorization }, body: bytes };
  }

  #get(): OutgoingHttpHeaders {
    const random = this.#random;
    const method = random.pick(METHODS);
    const cursor = encodeURIComponent(random.pick(CURSORS).slice(0, 2_000));
    const text = encodeURIComponent(someText(random).toWellFormed()).slice(0, 2_000);
    const path = random.pick([...PATHS, `/v1/jobs?after=${cursor}`, `/v1/jobs/${text}`, `/${text}`]);
    // This one has no path.
    if (method === "CONNECT") return { ":method": method, ":authority": "localhost" };
    const authority = random.chance(0.2) ? { ":authority": random.pick(AUTHORITIES) } : {};
    return { ":method": method, ":path": path, ...authority, ...this.#more() };
  }

  #more(): OutgoingHttpHeaders {
    const random = this.#random;
    const text = someText(random).replace(/[^\t\x20-\x7e]/g, "?");
    return {
      ...(random.chance(0.1) && { expect: random.pick(["100-continue", "miracles"]) }),
      ...(random.chance(0.3) && { [`x-${random.between(0, 9)}`]: text.trim() }),
      ...(random.chance(0.1) && { host: random.pick(AUTHORITIES) }),
      ...(random.chance(0.1) && { "x-forwarded-for": text.trim(), cookie: text.trim() }),
    };
  }
}
