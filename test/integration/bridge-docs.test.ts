import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpErrorOf } from "../../src/bridge/http-error.ts";
import { ERROR_CODES, type ErrorCode, OrchestraError } from "../../src/errors.ts";
import { startTestBridge, type TestBridge } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";

const page = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8");
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.split("\n")[0] as string, section] as const),
);

let test: TestBridge;

beforeAll(async () => {
  test = await startTestBridge({ cancelJob: () => {}, content: () => ({ message: "m", response: "r" }) });
});

afterAll(() => test.close());

/** The example answer of a section. */
function exampleOf(route: string): Record<string, unknown> {
  const [, json] = /```json\n([\s\S]*?)```/.exec(sections.get(route) as string) as RegExpExecArray;
  return JSON.parse(json as string) as Record<string, unknown>;
}

describe("docs/http.md", () => {
  it("has a section for every route and for nothing else", () => {
    expect([...sections.keys()].sort()).toEqual([...test.bridge.routes].sort());
  });

  it("has a request and an answer for every route", () => {
    for (const section of sections.values()) {
      expect(section).toMatch(/```sh\ncurl /);
      expect(section).toMatch(/```(json|text)\n/);
    }
  });

  it("has the status of every code that can be answered", () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| ([0-9]+) \|$/gm)];
    const documented = Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]));
    const codes = Object.keys(ERROR_CODES) as ErrorCode[];
    const answered = codes
      .map((code) => [code, httpErrorOf(new OrchestraError(code, "x")).status] as const)
      .filter(([code, status]) => status !== 500 || code === "INTERNAL");
    expect(documented).toEqual(Object.fromEntries(answered));
  });

  it("shows answers with the fields that they have", async () => {
    for (const type of ["orchestra.job.created", "orchestra.job.started"] as const) {
      for (const id of ["j1", "j2", "j3"]) test.publisher.publish(jobEvent(type, id));
    }
    await test.publisher.flush();
    const headers = { authorization: "Bearer a-token-for-tests" };
    const answers = {
      "GET /v1/jobs": "/v1/jobs?limit=2",
      "GET /v1/jobs/:id": "/v1/jobs/j1?content=1",
      "GET /v1/status": "/v1/status",
      "GET /v1/schema": "/v1/schema",
      "GET /openapi.json": "/openapi.json",
      "GET /healthz": "/healthz",
      "GET /readyz": "/readyz",
    };
    for (const [route, path] of Object.entries(answers)) {
      const answer = (await (await fetch(`${test.url}${path}`, { headers })).json()) as object;
      expect(Object.keys(answer).sort(), route).toEqual(Object.keys(exampleOf(route)).sort());
    }
    expect(exampleOf("GET /v1/status").sse).toMatchObject({
      dropped: Object.fromEntries(Object.keys(test.hub.stats().dropped).map((reason) => [reason, 0])),
    });
  });
});
