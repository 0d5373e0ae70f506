import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { createOrchestratorEvent } from "../../src/event/event.ts";
import { posting, rawRequest, type TestBridge, type TestBridgeOptions, TOKEN } from "../fixtures/bridge.ts";
import { openTestBridge } from "../fixtures/test-bridge.ts";

const start = (options?: TestBridgeOptions) => openTestBridge({ cancelJob: () => {}, ...options });

/** One concrete request for each route. */
function requestsOf({ bridge }: TestBridge): [method: string, path: string][] {
  return bridge.routes.map((route) => route.replace(":id", "j").split(" ") as [string, string]);
}

interface Refusal {
  status: number;
  code: string;
  headers: string;
}

async function ask({ port }: TestBridge, method: string, path: string, headers: string): Promise<Refusal> {
  const answer = await rawRequest(port, `${method} ${path} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);
  const { error } = JSON.parse(answer.body) as { error: { code: string } };
  return { status: answer.status, code: error.code, headers: answer.headers };
}

const READS = ["/v1/events", "/v1/jobs", "/v1/jobs/j", "/v1/status", "/v1/schema"];
const WRITES = ["/v1/events", "/v1/jobs/j/cancel", "/v1/session"];
/** An event of its own each time. */
const event = () => JSON.stringify(createOrchestratorEvent("orchestra.error", { message: "x" }));

describe("the Host header", () => {
  it("must name this server, on every route and on none", async () => {
    const test = await start();
    for (const [method, path] of [
      ...requestsOf(test),
      ["GET", "/nowhere"],
      ["GET", "//"],
      ["OPTIONS", "/v1/jobs"],
    ] as const) {
      for (const host of [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:80",
        "169.254.169.254",
      ]) {
        expect(await ask(test, method, path, `Host: ${host}\r\n`)).toMatchObject({
          status: 403,
          code: "FORBIDDEN_HOST",
        });
      }
    }
  });

  it.each([
    "",
    "Host: \r\n",
    "Host: a\r\nHost: localhost\r\n",
    "Host: user@localhost\r\n",
    "Host: localhost/x\r\n",
  ])("must be there once and be one: %j", async (headers) => {
    expect(await ask(await start(), "GET", "/healthz", headers)).toMatchObject({
      status: 400,
      code: "BAD_REQUEST",
    });
  });

  it.each(["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:4319", "panel.example", "panel.example:8443"])(
    "may be %s",
    async (host) => {
      const { port } = await start({ allowedHosts: ["Panel.example"] });
      expect(
        (await rawRequest(port, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`))
          .status,
      ).toBe(200);
    },
  );
});

describe("the Origin header", () => {
  const origins = [
    "https://evil.example",
    "null",
    "http://localhost:9999",
    "https://panel.example.evil",
    "*",
  ];

  it.each(origins)("%s is refused on every route and on none, without CORS headers", async (origin) => {
    const test = await start({ allowedOrigins: ["https://panel.example"] });
    for (const [method, path] of [
      ...requestsOf(test),
      ["GET", "/nowhere"],
      ["OPTIONS", "/v1/jobs"],
    ] as const) {
      const { status, code, headers } = await ask(
        test,
        method,
        path,
        `Host: localhost\r\nOrigin: ${origin}\r\n`,
      );
      expect([status, code]).toEqual([403, "FORBIDDEN_ORIGIN"]);
      expect(headers).not.toContain("access-control-");
      expect(headers).toContain("vary: origin");
    }
  });

  it("of this server's own pages is allowed and needs no CORS", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/healthz`, { headers: { origin: url } });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("on the list is echoed exactly, for the feed, for errors and for preflights", async () => {
    const { url } = await start({ allowedOrigins: ["https://panel.example"] });
    const origin = "https://panel.example";
    const abort = new AbortController();
    const answers = [
      await fetch(`${url}/v1/jobs`, { headers: { origin } }),
      await fetch(`${url}/nowhere`, { headers: { origin } }),
      await fetch(`${url}/v1/events`, { headers: { origin }, signal: abort.signal }),
      await fetch(`${url}/v1/events`, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization",
        },
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 204]);
    for (const { headers } of answers) {
      expect(headers.get("access-control-allow-origin")).toBe(origin);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
      expect(headers.get("vary")).toContain("Origin");
    }
    expect(answers[3]?.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST");
    expect(answers[3]?.headers.get("access-control-allow-headers")).toMatch(/Authorization.*Last-Event-ID/);
    abort.abort();
  });
});

describe("HEAD and OPTIONS", () => {
  it("answer what GET would, without a body", async () => {
    const test = await start();
    for (const path of READS.filter((each) => each !== "/v1/jobs/j")) {
      const answer = await rawRequest(
        test.port,
        `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect([answer.status, answer.body]).toEqual([200, ""]);
    }
    expect(test.hub.stats().clients).toBe(0);
  });

  it("tell what a path may be asked", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/v1/events`, { method: "OPTIONS" });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "GET, HEAD, POST, OPTIONS"]);
  });
});

describe("writes", () => {
  it.each(WRITES)("to %s need the token, and tell how to send it", async (path) => {
    const { url, log } = await start();
    const wrong = [
      undefined,
      "Bearer",
      "Bearer wrong",
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
    ];
    for (const authorization of wrong) {
      const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
      const response = await fetch(`${url}${path}`, { method: "POST", headers, body: event() });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
      expect(await response.json()).toMatchObject({ error: { code: "UNAUTHORIZED" } });
    }
    expect((await log.bounds()).latest).toBe("e-0");
  });

  it.each(WRITES)("to %s are refused without a configured token, and told how to set one", async (path) => {
    const { url } = await start({ token: undefined });
    const response = await fetch(`${url}${path}`, posting(event()));
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining("ORCHESTRA_TOKEN") },
    });
  });

  it("do not read the token from the URL", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/v1/events?token=${TOKEN}`, { method: "POST", body: event() });
    expect(response.status).toBe(401);
  });

  it("take the scheme's name in any case", async () => {
    const { url } = await start();
    const headers = { authorization: `bEARER  ${TOKEN}`, "content-type": "application/json" };
    expect((await fetch(`${url}/v1/events`, { method: "POST", headers, body: event() })).status).toBe(202);
  });
});

describe("reads", () => {
  it("on loopback need nothing", async () => {
    const { url } = await start({ token: undefined });
    expect((await fetch(`${url}/v1/jobs`)).status).toBe(200);
  });

  it("need the token when the bridge is bound to more, also from this machine", async () => {
    const test = await start({ host: "0.0.0.0" });
    for (const path of READS) {
      expect(await ask(test, "GET", path, "Host: localhost\r\n")).toMatchObject({
        status: 401,
        code: "UNAUTHORIZED",
      });
    }
    const answer = await fetch(`${test.url}/v1/jobs`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.status).toBe(200);
    expect((await fetch(`${test.url}/healthz`)).status).toBe(200);
  });

  it("need the token when they come through a proxy's name", async () => {
    const test = await start({ allowedHosts: ["panel.example"] });
    for (const path of READS) {
      expect(await ask(test, "GET", path, "Host: panel.example\r\n")).toMatchObject({
        status: 401,
        code: "UNAUTHORIZED",
      });
    }
  });

  it.each([
    "Forwarded: for=203.0.113.9",
    "X-Forwarded-For: 203.0.113.9",
    "x-forwarded-host: panel.example",
    "X-Forwarded-Proto: https",
    "X-Real-IP: 203.0.113.9",
    "Via: 1.1 nginx",
  ])("need the token when a proxy on this machine sends them on (%s)", async (header) => {
    const test = await start();
    const headers = `Host: localhost\r\n${header}\r\n`;
    for (const path of READS) {
      expect(await ask(test, "GET", path, headers)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    }
    const withToken = `${headers}Authorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`;
    const answer = await rawRequest(test.port, `GET /v1/jobs HTTP/1.1\r\n${withToken}`);
    expect(answer.status).toBe(200);
  });

  it("find a bridge that listens everywhere under the machine's own addresses", async () => {
    const test = await start({ host: "0.0.0.0" });
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const own =
      addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
    expect((await fetch(`http://${own}:${test.port}/healthz`)).status).toBe(200);
  });
});

describe("POST /v1/session", () => {
  it("gives a browser a cookie that is as good as the token", async () => {
    const { url } = await start({ host: "0.0.0.0" });
    const session = await fetch(`${url}/v1/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(session.status).toBe(204);
    const setCookie = session.headers.get("set-cookie") as string;
    expect(setCookie).toMatch(/HttpOnly; SameSite=Strict$/);
    expect(setCookie).not.toContain(TOKEN);
    const cookie = setCookie.split(";")[0] as string;
    expect((await fetch(`${url}/v1/jobs`, { headers: { cookie } })).status).toBe(200);
    const headers = { cookie, "content-type": "application/json" };
    expect((await fetch(`${url}/v1/events`, { method: "POST", headers, body: event() })).status).toBe(202);
    const forged = { cookie: `${cookie.slice(0, -1)}${cookie.endsWith("0") ? "1" : "0"}` };
    expect((await fetch(`${url}/v1/jobs`, { headers: forged })).status).toBe(401);
    const both = { cookie, authorization: "Bearer wrong" };
    expect((await fetch(`${url}/v1/jobs`, { headers: both })).status).toBe(401);
  });

  it("needs the token itself: a cookie does not prolong itself", async () => {
    const { url } = await start();
    const withToken = { authorization: `Bearer ${TOKEN}` };
    const session = await fetch(`${url}/v1/session`, { method: "POST", headers: withToken });
    const cookie = (session.headers.get("set-cookie") as string).split(";")[0] as string;
    const again = await fetch(`${url}/v1/session`, { method: "POST", headers: { cookie } });
    expect(again.status).toBe(401);
    expect(again.headers.get("set-cookie")).toBeNull();
    const both = await fetch(`${url}/v1/session`, { method: "POST", headers: { cookie, ...withToken } });
    expect(both.status).toBe(204);
  });

  it("does not let another site write with the cookie", async () => {
    const { url, log } = await start();
    const session = await fetch(`${url}/v1/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const cookie = (session.headers.get("set-cookie") as string).split(";")[0] as string;
    const headers = { cookie, "content-type": "application/json", origin: "http://localhost:3000" };
    expect((await fetch(`${url}/v1/events`, { method: "POST", headers, body: event() })).status).toBe(403);
    expect((await log.bounds()).latest).toBe("e-0");
  });
});
