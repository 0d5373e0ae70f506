import { execFile } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { posting, rawRequest, startTestBridge, type TestBridge, TOKEN } from "../fixtures/bridge.ts";
import { Http2Client, Http2Feed } from "../fixtures/http2-client.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { TLS } from "../fixtures/tls-files.ts";

const KINDS = [
  ["TLS", { tls: { cert: TLS.cert, key: TLS.key } }],
  ["no TLS", { http2: true }],
] as const;
const bearer = { authorization: `Bearer ${TOKEN}` };
const json = { ...bearer, "content-type": "application/json" };

const closings: (() => Promise<void>)[] = [];
const warnings: Error[] = [];
const onWarning = (warning: Error) => void warnings.push(warning);
process.on("warning", onWarning);

afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
  // Node warns on stderr of what HTTP/2 has no place for.
  expect(warnings).toEqual([]);
});

async function start(options: Parameters<typeof startTestBridge>[0]): Promise<TestBridge> {
  const test = await startTestBridge(options);
  closings.push(() => test.close());
  return test;
}

function clientOf({ url }: TestBridge): Http2Client {
  const client = new Http2Client(url);
  closings.push(() => client.close());
  return client;
}

function publishTo({ publisher }: TestBridge, ...ids: string[]): void {
  for (const id of ids) publisher.publish(jobEvent("orchestra.job.created", id));
}

/** The bytes of a frame: https://www.rfc-editor.org/rfc/rfc9113#name-frame-format */
function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));
const CANCEL = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
const PING = 6;
const ACK = 0x1;
const END_HEADERS = 0x4;
const END_STREAM = 0x1;
/** https://www.rfc-editor.org/rfc/rfc7541#appendix-A, and below it literals that are not remembered. */
const METHOD_GET = Buffer.from([0x82]);
const METHOD_POST = Buffer.from([0x83]);
const SCHEME_HTTP = Buffer.from([0x86]);
const AUTHORITY = literal(":authority", "localhost");

function literal(name: string, value: string): Buffer {
  const texts = [name, value].map((text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]));
  return Buffer.concat([Buffer.from([0]), ...texts]);
}

/** A connection that speaks HTTP/2 byte by byte. */
async function openRaw(test: TestBridge): Promise<Socket> {
  const isEncrypted = test.url.startsWith("https:");
  const socket = isEncrypted
    ? connectTls({ port: test.port, host: "127.0.0.1", ca: TLS.cert, ALPNProtocols: ["h2"] })
    : connect(test.port, "127.0.0.1");
  // It is cut off in the middle of what it sends.
  socket.on("error", () => {});
  closings.push(async () => void socket.destroy());
  await once(socket, isEncrypted ? "secureConnect" : "connect");
  socket.resume().write(Buffer.concat([Buffer.from(PREFACE), SETTINGS]));
  return socket;
}

/** Resolves when `bytes` have come. */
async function until(socket: Socket, bytes: Buffer): Promise<void> {
  let seen = Buffer.alloc(0);
  while (!seen.includes(bytes)) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    seen = Buffer.concat([seen, chunk]);
  }
}

describe.each(KINDS)("HTTP/2 with %s", (_, options) => {
  it("answers every route as HTTP/1.1 does", async () => {
    const test = await start(options);
    publishTo(test, "j");
    await test.publisher.flush();
    const client = clientOf(test);
    for (const path of ["/healthz", "/v1/jobs", "/v1/jobs/j", "/v1/status", "/v1/schema", "/openapi.json"]) {
      const { status, body } = await client.ask({ ":path": path });
      expect([path, status]).toEqual([path, 200]);
      expect(JSON.parse(body)).toEqual(expect.any(Object));
    }
    const missing = await client.ask({ ":path": "//" });
    expect([missing.status, JSON.parse(missing.body)]).toMatchObject([404, { error: { code: "NOT_FOUND" } }]);
    const head = await client.ask({ ":path": "/v1/events", ":method": "HEAD" });
    expect([head.status, head.body]).toEqual([200, ""]);
  });

  it("takes events, and refuses what HTTP/1.1 refuses", async () => {
    const test = await start({ ...options, bodyLimit: 100_000 });
    const client = clientOf(test);
    const post = { ...json, ":path": "/v1/events", ":method": "POST" };
    const event = JSON.stringify(jobEvent("orchestra.job.created", "j"));
    expect(await client.ask(post, event)).toMatchObject({ status: 202 });
    expect(await client.ask({ ...post, authorization: "Bearer wrong" }, event)).toMatchObject({
      status: 401,
    });
    expect(await client.ask({ ...post, "content-type": "text/plain" }, event)).toMatchObject({ status: 415 });
    expect(await client.ask(post, Buffer.alloc(2_000_000))).toMatchObject({ status: 413 });
    expect(await client.ask({ ":path": "/healthz" })).toMatchObject({ status: 200 });
  });

  it.each([
    ["CANCEL", CANCEL],
    ["NO_ERROR", Buffer.alloc(4)],
  ])("does not take a body that is broken off with %s for a whole one", async (_name, code) => {
    const test = await start(options);
    const others = clientOf(test);
    const socket = await openRaw(test);
    const fields = { ":path": "/v1/events", ...bearer, "content-type": "application/x-ndjson" };
    const literals = Object.entries(fields).map(([name, value]) => literal(name, value));
    const headers = [METHOD_POST, SCHEME_HTTP, AUTHORITY, ...literals];
    const line = Buffer.from(`${JSON.stringify(jobEvent("orchestra.job.created", "j"))}\n`);
    socket.write(frame(1, END_HEADERS, 1, Buffer.concat(headers)));
    socket.write(frame(0, 0, 1, line));
    socket.write(frame(3, 0, 1, code));
    const pong = until(socket, frame(PING, ACK, 0, Buffer.from("all read")));
    socket.write(frame(PING, 0, 0, Buffer.from("all read")));
    await pong;
    expect((await others.ask({ ":path": "/healthz" })).status).toBe(200);
    await test.publisher.flush();
    expect((await test.log.bounds()).latest).toBe("e-0");
  });

  it("serves more feeds on one connection than browsers allow connections", async () => {
    const test = await start(options);
    const client = clientOf(test);
    publishTo(test, "past");
    const feeds = Array.from({ length: 30 }, () => new Http2Feed(client));
    await Promise.all(feeds.map((feed) => feed.until(1)));
    feeds[0]?.stream.close(constants.NGHTTP2_CANCEL);
    await once(feeds[0]?.stream as Http2Feed["stream"], "close");
    publishTo(test, "live");
    await Promise.all(feeds.slice(1).map((feed) => feed.until(2)));
    expect(feeds[29]?.events.map(({ id, event }) => [id, event])).toEqual([
      ["e-1", "orchestra.job.created"],
      ["e-2", "orchestra.job.created"],
    ]);
    expect(test.hub.stats().clients).toBe(29);
    expect(client.errors).toEqual([]);
  });

  it("drops a feed that is not read, and it alone", async () => {
    const test = await start({ ...options, sse: { maxQueuedBytes: 100_000, maxStallMs: 60_000 } });
    const client = clientOf(test);
    const stalled = client.open({ ":path": "/v1/events" });
    const reading = new Http2Feed(client);
    await once(stalled, "response");
    const message = "x".repeat(4_000);
    const gone = once(stalled, "close");
    for (let n = 0; n < 200; n++) {
      test.publisher.publish(jobEvent("orchestra.job.created", `j${n}`, { message }));
      await reading.until(n + 1);
    }
    stalled.resume();
    await gone;
    expect(test.hub.stats()).toMatchObject({ clients: 1, dropped: { slow_bytes: 1 } });
  });

  it.each([
    ["evil.example", 403],
    ["localhost.evil.example", 403],
    ["user@localhost", 400],
    ["", 400],
  ])("takes %j in :authority for what it is", async (authority, status) => {
    const client = clientOf(await start(options));
    expect([status, 0]).toContain(
      (await client.ask({ ":path": "/healthz", ":authority": authority })).status,
    );
  });

  it("does not let a Host header contradict :authority", async () => {
    const client = clientOf(await start(options));
    for (const [authority, host] of [
      ["localhost", "evil.example"],
      ["evil.example", "localhost"],
    ] as const) {
      const answer = await client.ask({ ":path": "/healthz", ":authority": authority, host });
      expect([400, 0]).toContain(answer.status);
    }
    const agreed = await client.ask({ ":path": "/healthz", ":authority": "localhost", host: "localhost" });
    expect(agreed.status).toBe(200);
  });

  it("has the rules for other origins, and for reads that a proxy sends on", async () => {
    const test = await start({ ...options, allowedOrigins: ["https://panel.example"] });
    const client = clientOf(test);
    const get = { ":path": "/v1/jobs" };
    expect(await client.ask({ ...get, origin: "https://evil.example" })).toMatchObject({ status: 403 });
    expect(await client.ask({ ...get, origin: test.url })).toMatchObject({ status: 200 });
    expect(await client.ask({ ...get, origin: "https://panel.example" })).toMatchObject({
      status: 200,
      headers: { "access-control-allow-origin": "https://panel.example", vary: "Origin" },
    });
    expect(await client.ask({ ...get, "x-forwarded-for": "203.0.113.9" })).toMatchObject({ status: 401 });
  });

  it("answers what is malformed and lives on", async () => {
    const test = await start(options);
    const client = clientOf(test);
    expect((await client.ask({ ":path": "/v1/%zz" })).status).toBe(400);
    expect((await client.ask({ ":path": "/v1/jobs", ":method": "PURGE" })).status).toBe(405);
    expect((await client.ask({ ":path": "/nothing", expect: "miracles" })).status).toBe(404);
    expect((await client.ask({ ":path": "/healthz", x: "y".repeat(60_000) })).status).not.toBe(200);
    expect((await clientOf(test).ask({ ":path": "/healthz" })).status).toBe(200);
  });

  it("ends feeds and connections at close, telling when to come back", async () => {
    const test = await start(options);
    const client = clientOf(test);
    const feed = new Http2Feed(client);
    await once(feed.stream, "response");
    const toldToGo = once(client.session, "goaway");
    const ended = Promise.all([once(feed.stream, "end"), once(client.session, "close")]);
    await test.bridge.close();
    const [code] = (await toldToGo) as [number];
    expect(code).toBe(constants.NGHTTP2_NO_ERROR);
    await ended;
    expect(feed.retryMs).toBeGreaterThanOrEqual(1_000);
    expect(client.errors).toEqual([]);
  });

  it("cuts off at the deadline what does not end", async () => {
    const test = await start(options);
    const client = clientOf(test);
    const stream = client.open({ ...json, ":path": "/v1/events", ":method": "POST" }, true);
    stream.write("{");
    await client.ask({ ":path": "/healthz" });
    const gone = once(client.session, "close");
    await test.bridge.close({ deadlineMs: 20 });
    await gone;
  });

  it("tells of methods that HTTP/1.1 has not, what may be asked instead", async () => {
    const client = clientOf(await start(options));
    const known = await client.ask({ ":path": "/v1/jobs", ":method": "X" });
    expect([known.status, known.headers.allow]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect((await client.ask({ ":path": "/nowhere", ":method": "X" })).status).toBe(404);
  });

  it("survives a stream that asks whether to go on, and is gone", async () => {
    const test = await start(options);
    const socket = await openRaw(test);
    const fields = { ":path": "/v1/events", ...json, expect: "100-continue" };
    const literals = Object.entries(fields).map(([name, value]) => literal(name, value));
    const headers = Buffer.concat([METHOD_POST, SCHEME_HTTP, AUTHORITY, ...literals]);
    const begin = frame(1, END_HEADERS, 1, headers);
    // In one packet, so that all of it is read before any of it is answered.
    const pong = until(socket, frame(PING, ACK, 0, Buffer.from("all read")));
    socket.write(Buffer.concat([begin, frame(3, 0, 1, CANCEL), frame(PING, 0, 0, Buffer.from("all read"))]));
    await pong;
    expect((await clientOf(test).ask({ ":path": "/healthz" })).status).toBe(200);
  });

  it("does not keep a connection that has ended its side, in the middle of a frame or not", async () => {
    const test = await start(options);
    for (const rest of [Buffer.alloc(0), SETTINGS.subarray(0, 4)]) {
      const socket = await openRaw(test);
      const closed = once(socket, "close");
      socket.end(rest);
      await closed;
    }
  });

  it("allows a bounded number of streams at once", async () => {
    const client = clientOf(await start(options));
    await once(client.session, "remoteSettings");
    expect(client.session.remoteSettings.maxConcurrentStreams).toBe(100);
  });

  it("ends a connection that opens streams and resets them at once", async () => {
    const test = await start(options);
    const others = clientOf(test);
    const socket = await openRaw(test);
    const closed = once(socket, "close");
    const headers = Buffer.concat([METHOD_GET, SCHEME_HTTP, AUTHORITY, literal(":path", "/v1/jobs")]);
    for (let n = 0; n < 5_000 && !socket.destroyed; n++) {
      const id = 2 * n + 1;
      socket.write(Buffer.concat([frame(1, END_HEADERS | END_STREAM, id, headers), frame(3, 0, id, CANCEL)]));
    }
    await closed;
    expect(socket.bytesWritten).toBeGreaterThan(0);
    expect((await others.ask({ ":path": "/healthz" })).status).toBe(200);
  });

  it.each([
    ["settings", SETTINGS],
    ["pings", frame(PING, 0, 0, Buffer.alloc(8))],
    ["frames of no known type", frame(0xfa, 0, 0, Buffer.alloc(100))],
    ["empty headers that go on and on", frame(9, 0, 1, Buffer.alloc(0))],
  ])("serves others during a flood of %s", async (_name, flood) => {
    const test = await start(options);
    const others = clientOf(test);
    const socket = await openRaw(test);
    const chunk = Buffer.concat(Array<Buffer>(1_000).fill(flood));
    for (let n = 0; n < 50 && socket.writable; n++) {
      await new Promise((resolve) => socket.write(chunk, resolve));
      expect((await others.ask({ ":path": "/healthz" })).status).toBe(200);
    }
  });
});

describe("a bridge with TLS", () => {
  const options = { tls: { cert: TLS.cert, key: TLS.key } };

  it("speaks HTTP/1.1 with who cannot do better", async () => {
    const test = await start(options);
    publishTo(test, "j");
    await test.publisher.flush();
    expect(test.url).toBe(`https://127.0.0.1:${test.port}`);
    const request = httpsRequest(`${test.url}/v1/jobs`, { ca: TLS.cert }).end();
    const [response] = await once(request, "response");
    expect([response.httpVersion, response.statusCode]).toEqual(["1.1", 200]);
    expect(JSON.parse(await text(response))).toMatchObject({ total: 1 });
  });

  it("gives a cookie that only encrypted requests carry, good for both versions", async () => {
    const test = await start({ ...options, host: "0.0.0.0" });
    const client = clientOf(test);
    const session = await client.ask({ ...bearer, ":path": "/v1/session", ":method": "POST" });
    const [setCookie = ""] = session.headers["set-cookie"] as string[];
    expect(setCookie).toMatch(/^__Host-orchestra_session_\d+=.*; SameSite=Strict; Secure$/);
    const cookie = setCookie.split(";")[0] as string;
    expect((await client.ask({ ":path": "/v1/jobs" })).status).toBe(401);
    expect((await client.ask({ ":path": "/v1/jobs", cookie })).status).toBe(200);
    const request = httpsRequest(`${test.url}/v1/jobs`, { ca: TLS.cert, headers: { cookie } }).end();
    const [response] = await once(request, "response");
    expect(response.resume().statusCode).toBe(200);
  });

  it("does not take a page that was not encrypted for its own", async () => {
    const test = await start(options);
    const origin = test.url.replace("https:", "http:");
    expect((await clientOf(test).ask({ ":path": "/healthz", origin })).status).toBe(403);
  });

  it("hangs up on who does not encrypt, and lives on", async () => {
    const test = await start(options);
    expect((await rawRequest(test.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).status).toBeNaN();
    expect((await rawRequest(test.port, `${PREFACE}garbage`)).status).toBeNaN();
    expect((await clientOf(test).ask({ ":path": "/healthz" })).status).toBe(200);
  });

  it("does not wait at close for who has not shaken hands", async () => {
    const test = await start(options);
    const socket = connect(test.port, "127.0.0.1");
    await once(socket, "connect");
    const closed = once(socket.resume(), "close");
    await test.bridge.close({ deadlineMs: 20 });
    await closed;
  });

  it("offers no HTTP/2 when that is not wanted", async () => {
    const test = await start({ ...options, http2: false });
    const socket = connectTls({
      port: test.port,
      host: "127.0.0.1",
      ca: TLS.cert,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe("http/1.1");
    socket.destroy();
  });

  it.each([
    ["a key of another certificate", { cert: TLS.cert, key: TLS.otherKey }],
    ["what is no certificate", { cert: "-----BEGIN nonsense", key: TLS.key }],
    ["what is no key", { cert: TLS.cert, key: "a-secret-that-is-no-key" }],
  ])("does not start with %s, and does not show it", async (_, tls) => {
    const refused = startTestBridge({ tls });
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: "INVALID_CONFIG", path: "tls" }));
    const shown = await refused.catch((error: Error) => `${error.message} ${error.stack} ${error.cause}`);
    expect(shown).not.toContain(tls.key.trim().split("\n").at(-2) ?? tls.key);
    expect(shown).not.toContain("a-secret");
  });
});

describe("a bridge without TLS", () => {
  it("speaks no HTTP/2 unless that is wanted", async () => {
    const test = await start({});
    const answer = await rawRequest(test.port, PREFACE);
    expect(answer.status).toBe(400);
  });

  it("tells the versions apart by their first bytes, however slowly they come", async () => {
    const test = await start({ http2: true });
    for (const bytes of [PREFACE, "PUT /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]) {
      const socket = connect(test.port, "127.0.0.1").setNoDelay();
      await once(socket, "connect");
      const answered = once(socket, "data");
      for (const letter of bytes) await new Promise((resolve) => socket.write(letter, resolve));
      const [data] = (await answered) as [Buffer];
      const isHttp1 = data.toString("latin1").startsWith("HTTP/1.1 405 ");
      expect(isHttp1).toBe(bytes !== PREFACE);
      socket.destroy();
    }
    expect((await fetch(`${test.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${test.url}/v1/events`, posting("{}"))).status).toBe(400);
    expect((await rawRequest(test.port, "PRI /x HTTP/1.1\r\nHost: localhost\r\n\r\n")).status).toBe(400);
  });

  it("does not wait at close for who has said nothing, nor keeps who hangs up", async () => {
    const test = await start({ http2: true });
    const silent = connect(test.port, "127.0.0.1");
    const ending = connect(test.port, "127.0.0.1");
    await Promise.all([once(silent, "connect"), once(ending, "connect")]);
    const ended = once(ending.resume(), "close");
    ending.end();
    await ended;
    const closed = once(silent.resume(), "close");
    await test.bridge.close({ deadlineMs: 60_000 });
    await closed;
  });

  it("survives connections that are reset before they have said enough", async () => {
    const test = await start({ http2: true });
    const socket = connect(test.port, "127.0.0.1");
    await once(socket, "connect");
    await new Promise((resolve) => socket.write("PRI", resolve));
    socket.resetAndDestroy();
    await once(socket, "close");
    expect((await fetch(`${test.url}/healthz`)).status).toBe(200);
  });
});

describe("curl", () => {
  const run = promisify(execFile);
  const ask = async (url: string, ...flags: string[]) =>
    (await run("curl", ["--silent", "--show-error", "--max-time", "20", ...flags, url])).stdout;

  it("speaks HTTP/2 with it, encrypted or not", async () => {
    const encrypted = await start({ tls: TLS });
    const plain = await start({ http2: true });
    const version = ["--insecure", "--output", "/dev/null", "--write-out", "%{http_version} %{http_code}"];
    expect(await ask(`${encrypted.url}/healthz`, "--http2", ...version)).toBe("2 200");
    expect(await ask(`${encrypted.url}/healthz`, "--http1.1", ...version)).toBe("1.1 200");
    expect(await ask(`${plain.url}/healthz`, "--http2-prior-knowledge", ...version)).toBe("2 200");
    expect(await ask(`${plain.url}/healthz`, ...version)).toBe("1.1 200");
  });
});
