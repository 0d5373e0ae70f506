import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../src/errors.ts";
import { posting, rawRequest, startTestBridge, type TestBridge, TOKEN } from "../fixtures/bridge.ts";
import { HOSTILE_TEXT } from "../fixtures/hostile-events.ts";
import { jobEvent } from "../fixtures/job-story.ts";

let test: TestBridge;

beforeAll(async () => {
  test = await startTestBridge({ allowedOrigins: ["https://panel.example"] });
});

afterAll(async () => {
  // Whatever came in, the process is alive, and nothing of it was applied.
  expect((await fetch(`${test.url}/readyz`)).status).toBe(200);
  expect((await test.log.bounds()).latest).toBe("e-0");
  await test.close();
});

async function refusal(response: Promise<Response>) {
  const answer = await response;
  const body = (await answer.json()) as { error: { code: string; message: string; path?: string } };
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(Object.keys(ERROR_CODES)).toContain(body.error.code);
  expect(body.error.message).toMatch(/\S/);
  expect(JSON.stringify(body)).not.toContain(TOKEN);
  return { status: answer.status, ...body.error };
}

const event = jobEvent("orchestra.job.created", "never");
const post = (body: string | Uint8Array, type?: string) =>
  refusal(fetch(`${test.url}/v1/events`, posting(body, type)));

describe("POST /v1/events refuses", () => {
  it.each(["", "not json", "{", '{"a":1} trailing'])("the body %j", async (body) => {
    expect(await post(body)).toMatchObject({ status: 400, code: "INVALID_JSON" });
  });

  it.each([
    ["an unknown type", { ...event, type: "orchestra.job.exploded" }, "type"],
    ["a missing field", { ...event, data: { ...event.data, workerId: undefined } }, "data.workerId"],
    ["a field of another type", { ...event, data: { ...event.data, startedAt: "now" } }, "data.startedAt"],
    ["a huge field", { ...event, data: { ...event.data, workerId: "x".repeat(10_000) } }, "data.workerId"],
    ["an id that is no text", { ...event, id: { $gt: "" } }, "id"],
    [
      "a forged traceparent",
      { ...event, traceparent: `00-${"0".repeat(32)}-${"0".repeat(16)}-01` },
      "traceparent",
    ],
  ])("%s, naming the path", async (_, body, path) => {
    expect(await post(JSON.stringify(body))).toMatchObject({ status: 400, code: "INVALID_EVENT", path });
  });

  it("a line of 10 MB", async () => {
    const line = JSON.stringify({ ...event, padding: "x".repeat(10_000_000) });
    expect(await post(line, "application/x-ndjson")).toMatchObject({
      status: 413,
      code: "PAYLOAD_TOO_LARGE",
      line: 1,
    });
    expect(await post(line)).toMatchObject({ status: 413, code: "PAYLOAD_TOO_LARGE" });
  });

  it("a body of line breaks alone, and a line of nothing but spaces", async () => {
    expect(await post("\n".repeat(10 * 1024 * 1024), "application/x-ndjson")).toMatchObject({
      status: 413,
      code: "PAYLOAD_TOO_LARGE",
    });
    expect(await post(" ".repeat(2 * 1024 * 1024), "application/x-ndjson")).toMatchObject({
      status: 413,
      code: "PAYLOAD_TOO_LARGE",
      line: 1,
    });
  });

  it("a body of more than 10 MiB", async () => {
    expect(await post("x".repeat(10 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      code: "PAYLOAD_TOO_LARGE",
    });
  });

  it.each([
    "text/plain",
    "text/html",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/jsonx",
    "x",
  ])("the content type %s", async (type) => {
    expect(await post(JSON.stringify(event), type)).toMatchObject({
      status: 415,
      code: "UNSUPPORTED_MEDIA_TYPE",
    });
  });

  it("a body without a content type", async () => {
    const { status, body } = await rawRequest(
      test.port,
      `POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    );
    expect([status, JSON.parse(body)]).toMatchObject([415, { error: { code: "UNSUPPORTED_MEDIA_TYPE" } }]);
  });

  it("NDJSON of which one line is wrong, naming the line", async () => {
    const lines = [
      JSON.stringify(event),
      JSON.stringify(event).replace("running", "dancing").replace("queued", "x"),
      "{",
    ];
    expect(await post(lines.join("\n"), "application/x-ndjson")).toMatchObject({
      status: 400,
      code: "INVALID_EVENT",
      line: 2,
      path: "data.status",
    });
  });
});

describe("malformed requests are answered, and the process lives", () => {
  const host = "Host: localhost\r\nConnection: close\r\n\r\n";

  it.each([
    ["GET // HTTP/1.1\r\n", 404, "NOT_FOUND"],
    ["GET /v1/jobs/../../etc/passwd HTTP/1.1\r\n", 404, "NOT_FOUND"],
    ["GET /nothing HTTP/1.1\r\n", 404, "NOT_FOUND"],
    ["GET /v1/%zz HTTP/1.1\r\n", 400, "BAD_REQUEST"],
    ["GET /v1/jobs/%ff HTTP/1.1\r\n", 400, "BAD_REQUEST"],
    [`GET /v1/jobs/${"x".repeat(6_000)} HTTP/1.1\r\n`, 400, "BAD_REQUEST"],
    ["OPTIONS * HTTP/1.1\r\n", 404, "NOT_FOUND"],
    ["DELETE /v1/jobs HTTP/1.1\r\n", 405, "METHOD_NOT_ALLOWED"],
    ["PURGE /v1/jobs/x HTTP/1.1\r\n", 405, "METHOD_NOT_ALLOWED"],
    ["POST /v1/status HTTP/1.1\r\nContent-Length: 0\r\n", 405, "METHOD_NOT_ALLOWED"],
    ["GET /nothing HTTP/1.1\r\nExpect: miracles\r\n", 404, "NOT_FOUND"],
  ])("%j", async (request, status, code) => {
    const answer = await rawRequest(test.port, request + host);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([status, { error: { code } }]);
  });

  it.each([
    ["no HTTP at all", "BLAH\r\n\r\n", 400],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
    ["a space in the path", "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
    ["a bad version", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400],
    ["a NUL in a header", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400],
    [
      "two lengths",
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["headers of 50 KB", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(50_000)}\r\n\r\n`, 431],
  ])("%s", async (_, bytes, status) => {
    const answer = await rawRequest(test.port, bytes);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      status,
      { error: { code: "BAD_REQUEST" } },
    ]);
  });

  it("in the middle of a feed by its end, without a word into the feed", async () => {
    const socket = connect(test.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "data");
    const closed = once(socket, "close");
    socket.write("GARBAGE\r\n\r\n");
    await closed;
    const text = Buffer.concat(chunks).toString();
    expect(text).toMatch(/^HTTP\/1.1 200 /);
    expect(text).not.toMatch(/ 400 |BAD_REQUEST/);
  });

  it("after an answer that was complete, like at the beginning", async () => {
    const bytes = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const socket = connect(test.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.write(bytes);
    await once(socket, "data");
    const closed = once(socket, "close");
    socket.write("GARBAGE\r\n\r\n");
    await closed;
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 200 [\s\S]*HTTP\/1.1 400 /);
  });

  it("connections that are reset in the middle of a request", async () => {
    for (const bytes of [
      "GET /v1/ev",
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{",
    ]) {
      const socket = connect(test.port, "127.0.0.1");
      await once(socket, "connect");
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.resetAndDestroy();
      await once(socket, "close");
    }
    expect((await fetch(`${test.url}/healthz`)).status).toBe(200);
  });
});

describe("bad queries are named", () => {
  it.each([
    ["type=orchestra.jobs", "type"],
    ["type=orchestra.job.created&type=nope", "type"],
    ["type=", "type"],
    ["workerId=", "workerId"],
    [`jobId=${"x".repeat(513)}`, "jobId"],
    [Array.from({ length: 101 }, (_, index) => `sessionId=s${index}`).join("&"), "sessionId"],
    ["after=a&after=b", "after"],
  ])("by the feed: %.40s", async (query, path) => {
    const answer = await refusal(fetch(`${test.url}/v1/events?${query}`));
    expect(answer).toMatchObject({ status: 400, code: "INVALID_ARGUMENT", path });
  });
});

describe("hostile texts", () => {
  it("in a path or a query are answered like any other", async () => {
    const text = encodeURIComponent(HOSTILE_TEXT.toWellFormed());
    expect(await refusal(fetch(`${test.url}/v1/jobs/${text}`))).toMatchObject({ code: "UNKNOWN_JOB" });
    expect(await refusal(fetch(`${test.url}/v1/events?type=${text}`))).toMatchObject({ path: "type" });
    expect(await refusal(fetch(`${test.url}/${text}`))).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a misspelled query parameter", () => {
  it.each([
    ["/v1/events?typ=orchestra.error", "typ"],
    ["/v1/jobs?bogus=1", "bogus"],
  ])("is refused by name: %s", async (path, name) => {
    const answer = await refusal(fetch(`${test.url}${path}`));
    expect(answer).toMatchObject({ status: 400, code: "INVALID_ARGUMENT", path: name });
  });
});

it("tells a wrong token from none", async () => {
  const body = JSON.stringify(event);
  const headers = { "content-type": "application/json", authorization: `Bearer ${"x".repeat(20)}` };
  const answer = await refusal(fetch(`${test.url}/v1/events`, { method: "POST", body, headers }));
  expect(answer).toMatchObject({ status: 401, message: "This is not the token" });
});
