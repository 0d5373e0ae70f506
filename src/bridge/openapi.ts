import * as z from "zod";
import { ERROR_CODES, type ErrorCode } from "../errors.ts";
import { orchestratorEventSchema } from "../event/event.ts";
import { JOB_STATUSES } from "../job/job.ts";
import { ERROR_STATUS } from "./http-error.ts";
import { OPERATIONS, type Operation, type Schema } from "./openapi-operations.ts";
import { cancelBody } from "./routes/jobs.ts";

/** Codes that a request can be answered with. */
const ANSWERED = [...(Object.keys(ERROR_STATUS) as ErrorCode[]), "INTERNAL"] as const;
const ALWAYS: readonly ErrorCode[] = ["BAD_REQUEST", "FORBIDDEN_HOST", "FORBIDDEN_ORIGIN"];
const FAULTS: readonly ErrorCode[] = ["UNAVAILABLE", "CLOSED", "INTERNAL"];
const TOKEN_ERRORS: readonly ErrorCode[] = ["UNAUTHORIZED", "RATE_LIMITED"];
const BODY_ERRORS: readonly ErrorCode[] = ["PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "INVALID_JSON"];
const SECURITY = {
  open: [],
  reader: [{}, { token: [] }, { cookie: [] }],
  writer: [{ token: [] }, { cookie: [] }],
  token: [{ token: [] }],
} satisfies Record<Operation["access"], object[]>;

/**
 * The OpenAPI 3.1 description of `routes`, each as `GET /v1/jobs/:id`. What the schemas of events and queries
 * say is taken from what checks them. https://spec.openapis.org/oas/v3.1.1.html
 */
export function openApiDocument(routes: readonly string[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    const item = path.replace(/:(\w+)/g, "{$1}");
    const description = describe(path, OPERATIONS[route] as Operation);
    paths[item] = { ...paths[item], [method.toLowerCase()]: description };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "orchestra-otel bridge",
      summary: "The live feed, the jobs and the event intake of an orchestrator",
      version: "1",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: schemas(), securitySchemes: SECURITY_SCHEMES },
  };
}

const SECURITY_SCHEMES = {
  token: { type: "http", scheme: "bearer" },
  cookie: {
    type: "apiKey",
    in: "cookie",
    name: "orchestra_session_4319",
    description:
      "Given by `POST /v1/session`. Its name ends with the port, and begins with `__Host-` over TLS.",
  },
};

function describe(path: string, operation: Operation): object {
  const { summary, access, body, isBodyRequired = false, answer } = operation;
  return {
    summary,
    security: SECURITY[access],
    parameters: [...pathParameters(path), ...queryParameters(operation.query)],
    ...(body && { requestBody: { required: isBodyRequired, content: contentOf(body) } }),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(answer.content && { content: contentOf(answer.content) }),
      },
      ...errorAnswers(operation),
    },
  };
}

function contentOf(schemasByType: Readonly<Record<string, Schema>>): object {
  return Object.fromEntries(Object.entries(schemasByType).map(([type, schema]) => [type, { schema }]));
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodObject | undefined): object[] {
  const { properties = {} } = query ? jsonSchemaOf(query) : {};
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", schema }));
}

function errorAnswers({ access, query, body, errors = [] }: Operation): Record<string, object> {
  const codes = [
    ...ALWAYS,
    ...(query ? (["INVALID_ARGUMENT"] as const) : []),
    ...(access === "open" ? [] : TOKEN_ERRORS),
    ...(body ? BODY_ERRORS : []),
    ...errors,
    ...FAULTS,
  ];
  const byStatus = Map.groupBy(new Set(codes), (code) => ERROR_STATUS[code] ?? 500);
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      status,
      {
        description: some.map((code) => `${code}: ${ERROR_CODES[code]}`).join(" "),
        ...(status === 429 && { headers: { "Retry-After": { schema: { type: "integer", minimum: 1 } } } }),
        content: contentOf({ "application/json": { $ref: "#/components/schemas/Error" } }),
      },
    ]),
  );
}

function schemas(): Record<string, Schema> {
  const event = jsonSchemaOf(orchestratorEventSchema);
  return {
    Event: event,
    Job: jobSchema(event.oneOf ?? []),
    JobContent: {
      type: ["object", "null"],
      description: "Only with `content=1`; null when the process no longer holds it",
      properties: { message: { type: "string" }, response: { type: "string" } },
    },
    CancelRequest: jsonSchemaOf(cancelBody),
    Error: {
      type: "object",
      properties: {
        error: {
          type: "object",
          properties: {
            code: { enum: ANSWERED },
            message: { type: "string" },
            path: { type: "string", description: "The option, field or query parameter at fault" },
            line: { type: "integer", minimum: 1, description: "The line of a body of many" },
          },
          required: ["code", "message"],
        },
      },
      required: ["error"],
    },
  };
}

interface ObjectSchema extends Schema {
  properties?: Readonly<Record<string, ObjectSchema>>;
  oneOf?: readonly ObjectSchema[];
}

/** A job has the fields of its events, and what they say of it last. */
function jobSchema(events: readonly ObjectSchema[]): Schema {
  const dataOf = (prefix: string) =>
    events
      .filter(({ properties }) => String(properties?.type?.const).startsWith(prefix))
      .map(({ properties }) => properties?.data?.properties ?? {});
  const time = { type: "integer", description: "Milliseconds since the epoch" };
  const progress = Object.assign({}, ...dataOf("orchestra.job.progress")) as Record<string, Schema>;
  return {
    type: "object",
    properties: {
      ...Object.assign({}, ...dataOf("orchestra.job.")),
      status: { enum: JOB_STATUSES },
      updatedAt: time,
      progress: { type: "object", properties: progress },
      traceparent: { type: "string", description: "W3C trace context of its span" },
    },
    required: ["jobId", "workerId", "status", "revision", "startedAt", "updatedAt"],
  };
}

/** As input, so that fields to come are allowed, as they are for every reader of events. */
function jsonSchemaOf(schema: z.ZodType): ObjectSchema {
  const { $schema, ...json } = z.toJSONSchema(schema, { io: "input" });
  return json as ObjectSchema;
}
