import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { OrchestraError } from "../errors.ts";
import { encodeJson } from "../event/event-json.ts";
import { httpErrorOf } from "./http-error.ts";
import type { HttpServer, HttpServerFactory } from "./http-server.ts";
import type { KnownRoutes } from "./known-routes.ts";
import type { MalformedRequests } from "./malformed-request.ts";
import { NDJSON } from "./routes/intake.ts";

export interface AppOptions {
  createServer: HttpServerFactory;
  routes: KnownRoutes;
  malformed: MalformedRequests;
  onError: (error: unknown) => void;
}

/** Longest job id in a path, with every character of 512 escaped as up to nine. */
const MAX_PARAM_LENGTH = 512 * 9;

/** Compilers of our own, or Fastify loads those that it has: half of all that it consists of. */
const NO_SCHEMAS = { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } };

function refuseSchema(): never {
  throw new Error(
    "Routes have no schemas of Fastify's: they check with zod, and answer through `encodeJson`",
  );
}

/** A Fastify that answers every error in our format, and leaves bodies to the routes. */
export function createApp(options: AppOptions): { app: FastifyInstance; http: HttpServer } {
  const { createServer, routes, malformed, onError } = options;
  const answerError = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => {
    // HTTP/2 has methods that its router knows nothing of; it does not take them for unrouted.
    const isUnrouted = (thrown as { code?: unknown } | undefined)?.code === "FST_ERR_NOT_FOUND";
    const error = isUnrouted ? unroutedError(routes, request, reply) : thrown;
    const { status, headers, body } = httpErrorOf(error);
    if (status === 500) onError(error);
    return reply.code(status).headers(headers).send(body);
  };
  let http: HttpServer | undefined;
  const app = Fastify({
    serverFactory: (handle) => {
      http = createServer(handle);
      return http.server;
    },
    // The front door does, and knows which requests are better answered otherwise.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    schemaController: NO_SCHEMAS,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: (error, socket) => malformed.answer(error, socket),
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => answerUnrouted(routes, request, reply));
  // Job snapshots may hold what a host put there; `JSON.stringify` may throw on it.
  app.setReplySerializer(encodeJson);
  app.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) routes.add(url, each);
  });
  app.removeAllContentTypeParsers();
  // Only what a route wants of a body is read, and not before it knows who sends it.
  app.addContentTypeParser(["application/json", NDJSON], (_request, _payload, done) => done(null));
  return { app, http: http as HttpServer };
}

function answerUnrouted(routes: KnownRoutes, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = unroutedError(routes, request, reply);
  if (request.method === "OPTIONS" && error.code === "METHOD_NOT_ALLOWED") return reply.code(204).send();
  throw error;
}

/** Adds what a path that is there may be asked with. */
function unroutedError(routes: KnownRoutes, request: FastifyRequest, reply: FastifyReply): OrchestraError {
  const methods = routes.methodsOf(request.raw.url ?? "");
  if (methods === undefined) {
    return new OrchestraError(
      "NOT_FOUND",
      "There is no such route; GET /v1/jobs and /v1/events are good ones to begin with",
    );
  }
  reply.header("allow", methods.join(", "));
  return new OrchestraError(
    "METHOD_NOT_ALLOWED",
    `Expected one of ${methods.join(", ")}, got ${request.method}`,
  );
}
