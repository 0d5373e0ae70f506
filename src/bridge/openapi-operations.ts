import type * as z from "zod";
import type { ErrorCode } from "../errors.ts";
import { feedQuery } from "./routes/feed.ts";
import { jobQuery, listQuery } from "./routes/jobs.ts";

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

export interface Operation {
  summary: string;
  /** `reader`: open on loopback, else with the token. `token`: with the token itself, not its cookie. */
  access: "open" | "reader" | "writer" | "token";
  query?: z.ZodObject;
  /** By media type. */
  body?: Readonly<Record<string, Schema>>;
  isBodyRequired?: boolean;
  answer: { status: 200 | 202 | 204; description: string; content?: Readonly<Record<string, Schema>> };
  /** Beyond those that its access and its body bring along. */
  errors?: readonly ErrorCode[];
}

const cursor = { type: "string", description: "A place in the log, from which `GET /v1/events` goes on" };
const jobId = { type: "string" };
const count = { type: "integer", minimum: 0 };
const traceUrl = {
  type: "string",
  description:
    "Where a trace is shown: an address with `{traceId}`, and maybe `{spanId}` and `{jobId}`, to fill in",
};
const event = reference("Event");
const job = reference("Job");

/** Each route as `GET /v1/jobs`. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /v1/events": {
    summary: "The live feed as server-sent events, from a cursor on when one is given",
    access: "reader",
    query: feedQuery,
    answer: {
      status: 200,
      description:
        "Frames of `id` (a cursor), `event` (a type) and `data` (an event); `orchestra.stream.resync` tells that the cursor cannot be gone on from",
      content: { "text/event-stream": { type: "string" } },
    },
  },
  "POST /v1/events": {
    summary: "One event as JSON, or one per line as NDJSON",
    access: "writer",
    body: { "application/json": event, "application/x-ndjson": { type: "string" } },
    isBodyRequired: true,
    answer: json(202, "The events are in the log", {
      accepted: count,
      duplicates: { ...count, description: "Left out, as their ids were there" },
    }),
    errors: ["INVALID_EVENT", "CONFLICT"],
  },
  "GET /v1/jobs": {
    summary: "The jobs that the log tells of, newest first",
    access: "reader",
    query: listQuery,
    answer: json(
      200,
      "A page of jobs",
      { jobs: { type: "array", items: job }, total: count, next: jobId, cursor },
      ["next"],
    ),
  },
  "GET /v1/jobs/:id": {
    summary: "One job and its events",
    access: "reader",
    query: jobQuery,
    answer: json(
      200,
      "The job as of `cursor`",
      {
        job,
        events: { type: "array", items: event },
        next: cursor,
        cursor,
        content: reference("JobContent"),
      },
      ["next", "content"],
    ),
    errors: ["UNKNOWN_JOB"],
  },
  "POST /v1/jobs/:id/cancel": {
    summary: "Asks for the end of a job of this process, or of another one that shares its data file",
    access: "writer",
    body: { "application/json": reference("CancelRequest") },
    answer: json(202, "It was asked; the end is seen in the feed", { jobId }),
    errors: ["INVALID_ARGUMENT", "UNKNOWN_JOB", "ILLEGAL_TRANSITION"],
  },
  "GET /v1/status": {
    summary: "What became of every event, who listens, and what the log holds",
    access: "reader",
    answer: json(
      200,
      "Counters; a host adds its own",
      { sse: { type: "object" }, log: { type: "object" }, jobTable: { type: "object" }, traceUrl },
      ["traceUrl"],
    ),
  },
  "GET /v1/schema": {
    summary: "The JSON Schema of all events",
    access: "reader",
    answer: schemaAnswer("application/schema+json", "The schema"),
  },
  "GET /openapi.json": {
    summary: "This document",
    access: "reader",
    answer: schemaAnswer("application/json", "The document"),
  },
  "GET /healthz": {
    summary: "Whether the process answers",
    access: "open",
    answer: json(200, "It does", { status: { const: "ok" } }),
  },
  "GET /readyz": {
    summary: "Whether the event log can be read",
    access: "open",
    answer: json(200, "It can", { status: { const: "ready" } }),
  },
  "GET /": {
    summary: "The control panel",
    access: "open",
    answer: { status: 200, description: "A page", content: { "text/html": { type: "string" } } },
    errors: ["NOT_FOUND"],
  },
  "GET /assets/:file": {
    summary: "What the control panel is made of",
    access: "open",
    answer: { status: 200, description: "A script, a style sheet or a picture" },
    errors: ["NOT_FOUND"],
  },
  "POST /v1/session": {
    summary: "A cookie for a browser's EventSource, which cannot send the token",
    access: "token",
    answer: { status: 204, description: "The cookie is in `Set-Cookie`" },
  },
};

function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function json(
  status: 200 | 202,
  description: string,
  properties: Record<string, Schema>,
  optional: readonly string[] = [],
): Operation["answer"] {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { status, description, content: { "application/json": { type: "object", properties, required } } };
}

function schemaAnswer(type: string, description: string): Operation["answer"] {
  return { status: 200, description, content: { [type]: { type: "object" } } };
}
