import { type SpecData, Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { httpErrorOf } from "../../src/bridge/http-error.ts";
import { ERROR_CODES, type ErrorCode, OrchestraError } from "../../src/errors.ts";
import { posting, startTestBridge, type TestBridge, TOKEN } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";

interface Operation {
  parameters: { name: string; in: string; schema: object }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: JsonSchema }> }>;
  security: object[];
}
type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}

/** The schema of an error's body, as far as it is looked at. */
interface ErrorSchema {
  properties: { error: { properties: { code: { enum: string[] } } } };
}

let test: TestBridge;
let document: Document;

beforeAll(async () => {
  test = await startTestBridge({
    cancelJob: () => {},
    content: () => ({ message: "m", response: "r" }),
    traceUrl: "http://localhost:16686/trace/{traceId}",
  });
  for (const type of ["orchestra.job.created", "orchestra.job.started", "orchestra.job.progress"] as const) {
    test.publisher.publish(jobEvent(type, "j"));
  }
  await test.publisher.flush();
  document = (await (await fetch(`${test.url}/openapi.json`)).json()) as Document;
});

afterAll(() => test.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );

function operationAt(path: string, method: string): Operation {
  const operation = document.paths[path]?.[method];
  if (operation === undefined) throw new Error(`${method} ${path} is not described`);
  return operation;
}

/** Checks what a schema of the document, which may refer to others, says. */
function schemaOf(schema: JsonSchema): z.ZodType {
  const $defs = document.components.schemas;
  const local = JSON.stringify({ ...schema, $defs }).replaceAll("#/components/schemas/", "#/$defs/");
  return z.fromJSONSchema(JSON.parse(local));
}

/** What an operation may answer, as its schema. */
function answerSchema(path: string, status: number): z.ZodType {
  const { content = {} } = operationAt(path, "get").responses[status] ?? {};
  return schemaOf(content["application/json"]?.schema ?? {});
}

describe("GET /openapi.json", () => {
  it("is valid OpenAPI 3.1", async () => {
    const result = await new Validator().validate(structuredClone(document) as object as SpecData);
    expect(result).toMatchObject({ valid: true });
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  it("describes every route and nothing else", () => {
    const described = operations().map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`,
    );
    expect(described.sort()).toEqual([...test.bridge.routes].sort());
  });

  it("leaves out the routes that this bridge does not have", async () => {
    const other = await startTestBridge();
    const { paths } = (await (await fetch(`${other.url}/openapi.json`)).json()) as Document;
    await other.close();
    expect(Object.keys(paths)).not.toContain("/v1/jobs/{id}/cancel");
  });

  it("names every error code that can be answered", () => {
    const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => {
      const { status } = httpErrorOf(new OrchestraError(code, "x"));
      return status !== 500 || code === "INTERNAL";
    });
    const { properties } = document.components.schemas.Error as unknown as ErrorSchema;
    expect([...properties.error.properties.code.enum].sort()).toEqual(codes.sort());
  });

  it("has each error under the status that it is answered with", () => {
    for (const { operation } of operations()) {
      for (const [status, { description }] of Object.entries(operation.responses)) {
        for (const [code] of description.matchAll(/\b[A-Z]+_[A-Z_]+(?=:)/g)) {
          expect(httpErrorOf(new OrchestraError(code as ErrorCode, "x")).status).toBe(Number(status));
        }
      }
    }
  });

  it("says of each route who may ask", async () => {
    for (const { method, path, operation } of operations()) {
      const needsToken = !operation.security.some((each) => Object.keys(each).length === 0);
      const isOpen = operation.security.length === 0;
      const url = `${test.url}${path.replace("{id}", "j")}`;
      const headers = { "x-forwarded-for": "203.0.113.9" };
      const stop = new AbortController();
      const fromAfar = await fetch(url, { method, headers, signal: stop.signal });
      const fromHere = await fetch(url, { method, signal: stop.signal });
      stop.abort();
      expect([path, fromAfar.status === 401]).toEqual([path, !isOpen]);
      expect([path, fromHere.status === 401]).toEqual([path, needsToken && !isOpen]);
    }
  });

  it("has the query parameters that are taken, and only those", async () => {
    const { parameters } = operationAt("/v1/events", "get");
    expect(parameters.map(({ name }) => name)).toEqual([
      "type",
      "workerId",
      "sessionId",
      "jobId",
      "last_event_id",
      "after",
    ]);
    const { parameters: ofList } = operationAt("/v1/jobs", "get");
    const values: Record<string, string> = { status: "running", limit: "1", after: "j" };
    const query = new URLSearchParams(ofList.map(({ name }) => [name, values[name] ?? "x"]));
    expect((await fetch(`${test.url}/v1/jobs?${query}`)).status).toBe(200);
  });

  it("describes answers as they are", async () => {
    const paths = {
      "/v1/jobs": "/v1/jobs",
      "/v1/jobs/{id}": "/v1/jobs/j?content=1",
      "/v1/status": "/v1/status",
      "/healthz": "/healthz",
      "/readyz": "/readyz",
    };
    const headers = { authorization: `Bearer ${TOKEN}` };
    for (const [path, request] of Object.entries(paths)) {
      const answer = await (await fetch(`${test.url}${request}`, { headers })).json();
      expect(answerSchema(path, 200).safeParse(answer), path).toMatchObject({ success: true });
    }
    const refused = await (await fetch(`${test.url}/v1/jobs/nobody`)).json();
    expect(answerSchema("/v1/jobs/{id}", 404).safeParse(refused)).toMatchObject({ success: true });
    expect(answerSchema("/v1/jobs/{id}", 404).safeParse({})).toMatchObject({ success: false });
  });

  it("describes what the status may tell of traces", async () => {
    const { traceUrl, ...rest } = await (await fetch(`${test.url}/v1/status`)).json();
    const status = answerSchema("/v1/status", 200);
    expect(traceUrl).toBe("http://localhost:16686/trace/{traceId}");
    expect(status.safeParse(rest)).toMatchObject({ success: true });
    expect(status.safeParse({ ...rest, traceUrl: 1 })).toMatchObject({ success: false });
  });

  it("describes events as they are taken", async () => {
    const { requestBody } = operationAt("/v1/events", "post");
    const events = schemaOf(requestBody?.content["application/json"]?.schema ?? {});
    const example = jobEvent("orchestra.job.created", "another");
    expect(events.safeParse(example)).toMatchObject({ success: true });
    expect(events.safeParse({ ...example, type: "orchestra.job.exploded" })).toMatchObject({
      success: false,
    });
    expect((await fetch(`${test.url}/v1/events`, posting(JSON.stringify(example)))).status).toBe(202);
  });
});
