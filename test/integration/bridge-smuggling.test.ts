import { describe, expect, it } from "vitest";
import { posting, rawRequest, TOKEN } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { SMUGGLING } from "../fixtures/smuggling.ts";
import { openTestBridge } from "../fixtures/test-bridge.ts";

describe.each([
  ["HTTP/1.1 alone", {}],
  ["HTTP/2 as well", { http2: true }],
])("a bridge for %s", (_, options) => {
  it.each(SMUGGLING.map(({ name, shape }) => [name, shape] as const))(
    "does not carry out what is smuggled in by %s",
    async (_name, shape) => {
      const test = await openTestBridge(options);
      const body = JSON.stringify(jobEvent("orchestra.job.created", "smuggled"));
      const head = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`;
      const outer = `POST /v1/events HTTP/1.1\r\nConnection: close\r\n${head}`;
      const inner = `POST /v1/events HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`;
      const { status } = await rawRequest(test.port, shape(outer, inner));
      // No number when an answer to its first half was on its way: then the connection just ends.
      expect(status || 400).toBe(400);
      await test.publisher.flush();
      expect((await test.log.bounds()).latest).toBe("e-0");
    },
  );
});

const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
const event = JSON.stringify(jobEvent("orchestra.job.created", "j"));
const withPrototype = event
  .replace("{", '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},')
  .replace('"data":{', '"data":{"__proto__":{"polluted":true},');

describe("a body", () => {
  it.each([
    ["JSON that names prototypes", withPrototype, 202],
    ["nothing but names of prototypes", '{"__proto__":{"polluted":true}}', 400],
    ["a hundred thousand levels", deep(100_000), 400],
    [
      "an event with a hundred thousand levels in it",
      event.replace('"data":{', `"data":{"x":${deep(100_000)},`),
      202,
    ],
    ["numbers beyond all bounds", event.replace(/"startedAt":\d+/, '"startedAt":1e999'), 400],
    [
      "text that is not UTF-8",
      Buffer.concat([Buffer.from(event.slice(0, 40)), Buffer.from([0xff, 0xc0])]),
      400,
    ],
    ["half a character", event.replace("Split", "\\ud800"), 202],
  ])("of %s does no harm", async (_, body, status) => {
    const { url } = await openTestBridge();
    expect((await fetch(`${url}/v1/events`, posting(body))).status).toBe(status);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const jobs = await (await fetch(`${url}/v1/jobs`)).text();
    expect(jobs).not.toContain("polluted");
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});
