import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { posting, type TestBridge, type TestBridgeOptions, TOKEN } from "../fixtures/bridge.ts";
import { createClock } from "../fixtures/clock.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { openTestBridge } from "../fixtures/test-bridge.ts";

const start = (options?: TestBridgeOptions) => openTestBridge({ cancelJob: () => {}, ...options });

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** A proxy on this machine, which may speak for anybody. */
const FORWARDED = { "x-forwarded-for": "203.0.113.9" };

async function statusOf(answer: Promise<Response>): Promise<number> {
  return (await answer).status;
}

describe("writes beyond what one address may send", () => {
  const write = ({ url }: TestBridge, headers: Record<string, string> = {}) => {
    const { headers: own, ...init } = posting(JSON.stringify(jobEvent("orchestra.job.created", "j")));
    return fetch(`${url}/v1/events`, { ...init, headers: { ...own, ...headers } });
  };

  it("are answered with 429 and when to come back, and are taken then", async () => {
    const clock = createClock();
    const test = await start({ writesPerSecond: 0.5, now: clock.now });
    expect(await statusOf(write(test))).toBe(202);
    const refused = await write(test);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "2"]);
    expect(await refused.json()).toMatchObject({ error: { code: "RATE_LIMITED" } });
    expect(await statusOf(fetch(`${test.url}/v1/jobs/j/cancel`, posting("")))).toBe(429);
    clock.advance(2_000);
    expect(await statusOf(write(test))).toBe(409);
    expect(await statusOf(write(test))).toBe(429);
  });

  it("do not keep anybody from reading, nor another address from writing", async () => {
    const clock = createClock();
    const test = await start({ writesPerSecond: 0.5, now: clock.now });
    await write(test);
    expect(await statusOf(write(test))).toBe(429);
    expect(await statusOf(fetch(`${test.url}/v1/jobs`))).toBe(200);
    expect(await statusOf(write(test, FORWARDED))).toBe(409);
  });

  it("count for nothing without the token", async () => {
    const clock = createClock();
    const test = await start({ writesPerSecond: 0.5, now: clock.now });
    for (let n = 0; n < 5; n++)
      expect(await statusOf(fetch(`${test.url}/v1/events`, { method: "POST" }))).toBe(401);
    expect(await statusOf(write(test))).toBe(202);
  });

  it("are beyond what any sender of ours comes to", async () => {
    const test = await start();
    const statuses = await Promise.all(Array.from({ length: 50 }, () => statusOf(write(test))));
    expect(statuses).not.toContain(429);
  });
});

describe("wrong tokens", () => {
  const read = ({ url }: TestBridge, token: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/v1/jobs/j?content=1`, { headers: { ...bearer(token), ...headers } });

  async function guess(test: TestBridge, times: number, headers?: Record<string, string>): Promise<number[]> {
    const statuses: number[] = [];
    for (let n = 0; n < times; n++) statuses.push(await statusOf(read(test, `guess-${n}`, headers)));
    return statuses;
  }

  it("from elsewhere are no longer looked at after ten, nor is a right one, for a while", async () => {
    const clock = createClock();
    const test = await start({ now: clock.now });
    expect(await guess(test, 12, FORWARDED)).toEqual([...Array(10).fill(401), 429, 429]);
    const refused = await read(test, TOKEN, FORWARDED);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    clock.advance(5_000);
    expect(await statusOf(read(test, TOKEN, FORWARDED))).toBe(404);
  });

  it("from this machine never keep out who has the right one", async () => {
    const clock = createClock();
    const test = await start({ now: clock.now });
    expect((await guess(test, 12)).slice(-2)).toEqual([429, 429]);
    expect(await statusOf(read(test, TOKEN))).toBe(404);
  });

  it("are counted for the session, too", async () => {
    const clock = createClock();
    const test = await start({ now: clock.now });
    const sign = (token: string) =>
      statusOf(
        fetch(`${test.url}/v1/session`, { method: "POST", headers: { ...bearer(token), ...FORWARDED } }),
      );
    for (let n = 0; n < 10; n++) expect(await sign(`guess-${n}`)).toBe(401);
    expect(await sign("guess")).toBe(429);
    expect(await sign(TOKEN)).toBe(429);
  });

  it("are something else than none", async () => {
    const clock = createClock();
    const test = await start({ now: clock.now });
    for (let n = 0; n < 30; n++) {
      expect(await statusOf(fetch(`${test.url}/v1/jobs`, { headers: FORWARDED }))).toBe(401);
    }
    expect(await statusOf(read(test, TOKEN, FORWARDED))).toBe(404);
  });
});

describe("bodies", () => {
  /** A request that stays unfinished. */
  function begin({ port }: TestBridge, path: string, headers: string, body: string): Socket {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`);
    return socket;
  }

  const json = "Content-Type: application/json\r\nContent-Length: 1000000\r\n";

  it.each(["/v1/events", "/v1/jobs/j/cancel", "/v1/session", "/nowhere"])(
    "for %s are not waited for without the token",
    async (path) => {
      const socket = begin(await start(), path, json, "{");
      const [answer] = (await once(socket, "data")) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 40[14] /);
      socket.destroy();
    },
  );

  it("are asked for from who may send them, and from nobody else", async () => {
    const { port } = await start();
    const event = JSON.stringify(jobEvent("orchestra.job.created", "j"));
    const head = `POST /v1/events HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n`;
    const length = `Content-Type: application/json\r\nContent-Length: ${event.length}\r\n\r\n`;
    const stranger = connect(port, "127.0.0.1");
    stranger.write(`${head}${length}`);
    expect(await text(stranger)).toMatch(/^HTTP\/1\.1 401 /);
    const writer = connect(port, "127.0.0.1");
    writer.write(`${head}Authorization: Bearer ${TOKEN}\r\n${length}`);
    const [answer] = (await once(writer, "data")) as [Buffer];
    expect(answer.toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    writer.write(event);
    expect(await text(writer)).toMatch(/^HTTP\/1\.1 202 /);
  });

  it("of many senders are refused once they fill the room, until it is free again", async () => {
    const test = await start({ maxHeldBodies: 10_000 });
    const headers = `Authorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n`;
    const body = "x".repeat(8_999);
    const senders = [begin(test, "/v1/events", headers, body), begin(test, "/v1/events", headers, body)];
    const first = senders.map(async (socket, index) => ({ index, bytes: (await once(socket, "data"))[0] }));
    const { index, bytes } = await Promise.race(first);
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 503 [\s\S]*"UNAVAILABLE"/);
    const other = 1 - index;
    senders[other]?.write("x");
    expect(String((await first[other])?.bytes)).toMatch(/^HTTP\/1\.1 400 /);
    const event = JSON.stringify(jobEvent("orchestra.job.created", "j"));
    expect(await statusOf(fetch(`${test.url}/v1/events`, posting(event)))).toBe(202);
    for (const socket of senders) socket.destroy();
  });
});

describe("a request to upgrade", () => {
  const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

  it("is answered like any other, and is the last of its connection", async () => {
    const { port } = await start();
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`);
    expect(await text(socket)).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*\{"status":"ok"\}$/,
    );
  });

  it("has nothing behind it carried out, which may be half of something else", async () => {
    const test = await start();
    const socket = connect(test.port, "127.0.0.1");
    socket.write(`GET /v1/events HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`);
    await once(socket, "data");
    const body = JSON.stringify(jobEvent("orchestra.job.created", "smuggled"));
    const head = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`;
    socket.write(`POST /v1/events HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    // Whatever the first connection has sent was read before a later one is answered.
    expect(await statusOf(fetch(`${test.url}/healthz`))).toBe(200);
    await test.publisher.flush();
    expect((await test.log.bounds()).latest).toBe("e-0");
    socket.destroy();
  });
});

describe("what a browser is made to fetch into a page", () => {
  it.each([
    ["cross-site", "image"],
    ["cross-site", "iframe"],
    ["same-site", "script"],
    ["cross-site", "empty"],
  ])("of another site (%s, %s) is refused", async (site, dest) => {
    const { url } = await start();
    const headers = { "sec-fetch-site": site, "sec-fetch-dest": dest };
    const answer = await fetch(`${url}/v1/events`, { headers });
    expect([answer.status, await answer.json()]).toMatchObject([
      403,
      { error: { code: "FORBIDDEN_ORIGIN" } },
    ]);
  });

  it.each([
    ["same-origin", "empty"],
    ["none", "document"],
    ["cross-site", "document"],
  ])("of this server, or as a page of its own (%s, %s), is not", async (site, dest) => {
    const { url } = await start();
    const headers = { "sec-fetch-site": site, "sec-fetch-dest": dest };
    const answer = await fetch(`${url}/healthz`, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cross-origin-resource-policy")).toBe("same-origin");
  });

  it("of a site that is allowed is not", async () => {
    const { url } = await start({ allowedOrigins: ["https://panel.example"] });
    const origin = { origin: "https://panel.example" };
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-dest": "empty", ...origin };
    expect((await fetch(`${url}/healthz`, { headers })).status).toBe(200);
  });
});
