import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawRequest, startTestBridge, type TestBridge, TOKEN } from "../fixtures/bridge.ts";

const PAGE = "<!doctype html><title>orchestra</title>";
const SCRIPT = "export const panel = 1;";

let folder: string;
let test: TestBridge;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-panel-"));
  await mkdir(join(folder, "panel/assets"), { recursive: true });
  await writeFile(join(folder, "panel/index.html"), PAGE);
  await writeFile(join(folder, "panel/assets/index-1.js"), SCRIPT);
  await writeFile(join(folder, "panel/assets/index-1.css"), "a{}");
  await writeFile(join(folder, "panel/assets/icon-1.svg"), "<svg/>");
  await writeFile(join(folder, "panel/assets/index-1.js.map"), "{}");
  await writeFile(join(folder, "panel/sources"), "hash");
  await writeFile(join(folder, "secret.js"), "secret");
  test = await startTestBridge({ panel: join(folder, "panel"), allowedHosts: ["panel.example"] });
});

afterAll(async () => {
  await test.close();
  await rm(folder, { recursive: true });
});

describe("GET /", () => {
  it("is the panel, which may load nothing from elsewhere and stands in no frame", async () => {
    const response = await fetch(`${test.url}/`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(PAGE);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
      "cache-control": "no-cache",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-opener-policy": "same-origin",
      vary: "Origin, Accept-Encoding",
    });
  });

  it("is sent again only when it has changed", async () => {
    const { headers } = await fetch(`${test.url}/`);
    const again = await fetch(`${test.url}/`, {
      headers: { "if-none-match": headers.get("etag") as string },
    });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  it("has a head", async () => {
    const response = await fetch(`${test.url}/`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  it("is for everybody, unlike what it then asks for", async () => {
    const throughProxy = { host: "panel.example", "x-forwarded-for": "10.0.0.9" };
    expect(await statusOf("/", throughProxy)).toBe(200);
    expect(await statusOf("/assets/index-1.js", throughProxy)).toBe(200);
    expect(await statusOf("/v1/jobs", throughProxy)).toBe(401);
    expect(await statusOf("/v1/jobs", { ...throughProxy, authorization: `Bearer ${TOKEN}` })).toBe(200);
  });

  it("is not for a page that makes its own name resolve to here", async () => {
    expect(await statusOf("/", { host: "evil.example" })).toBe(403);
  });

  it("says so when there is no panel", async () => {
    const bare = await startTestBridge({ panel: join(folder, "nothing") });
    try {
      const response = await fetch(`${bare.url}/`);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        error: { code: "NOT_FOUND", message: "The panel was not built" },
      });
    } finally {
      await bare.close();
    }
  });
});

describe("GET /assets/:file", () => {
  it.each([
    ["index-1.js", "text/javascript; charset=utf-8", SCRIPT],
    ["index-1.css", "text/css; charset=utf-8", "a{}"],
    ["icon-1.svg", "image/svg+xml", "<svg/>"],
  ])("has %s, to be kept", async (name, type, body) => {
    const response = await fetch(`${test.url}/assets/${name}`);
    expect(await response.text()).toBe(body);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  });

  it("is compressed for who takes that", async () => {
    expect(await encodingOf("gzip, br")).toBe("gzip");
    expect(await encodingOf("identity")).toBeUndefined();
    expect(await encodingOf(undefined)).toBeUndefined();
  });

  it.each([
    "/assets/index-1.js.map",
    "/assets/other.js",
    "/assets/..%2fsources",
    "/assets/..%2f..%2fsecret.js",
    "/assets/../../secret.js",
    "/assets/%2e%2e/%2e%2e/secret.js",
    "/assets/..%5c..%5csecret.js",
    "/assets/index-1.js%00",
    "/assets/__proto__",
    "/assets/",
    "/sources",
    "//secret.js",
  ])("has nothing at %s", async (path) => {
    const { status, body } = await rawRequest(
      test.port,
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    );
    expect([status, body.includes("secret"), body.includes("hash")]).toEqual([404, false, false]);
  });

  it("serves nothing that came later", async () => {
    await fetch(`${test.url}/`);
    await writeFile(join(folder, "panel/assets/late.js"), "late");
    expect((await fetch(`${test.url}/assets/late.js`)).status).toBe(404);
  });
});

function statusOf(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: test.port, host: "127.0.0.1", path, headers }, async (response) => {
      await text(response);
      resolve(response.statusCode as number);
    });
    asked.on("error", reject).end();
  });
}

function encodingOf(accepted: string | undefined): Promise<string | undefined> {
  const headers = accepted === undefined ? {} : { "accept-encoding": accepted };
  return new Promise((resolve, reject) => {
    request({ port: test.port, host: "127.0.0.1", path: "/assets/index-1.js", headers }, (response) => {
      response.resume();
      resolve(response.headers["content-encoding"]);
    })
      .on("error", reject)
      .end();
  });
}
