import type { Server } from "node:http";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { OrchestraError } from "../errors.ts";
import { encodeJson } from "../event/event-json.ts";
import type { RequestHandler } from "./front-door.ts";
import { httpErrorOf } from "./http-error.ts";
import type { KnownRoutes } from "./known-routes.ts";
import type { MalformedRequests } from "./malformed-request.ts";
import { NDJSON } from "./routes/intake.ts";

export interface AppOptions {
  createServer: (handle: RequestHandler) => Server;
  bodyLimit: number;
  routes: KnownRoutes;
  malformed: MalformedRequests;
  onError: (error: unknown) => void;
}

/** Longest job id in a path, with every character of 512 escaped as up to nine. */
const MAX_PARAM_LENGTH = 512 * 9;

/** A Fastify that answers every error in our format, and reads bodies as bytes. */
export function createApp(options: AppOptions): FastifyInstance {
  const { createServer, bodyLimit, routes, malformed, onError } = options;
  const answerError = (error: unknown, _request: FastifyRequest, reply: FastifyReply) => {
    const { status, headers, body } = httpErrorOf(error);
    if (status === 500) onError(error);
    return reply.code(status).headers(headers).send(body);
  };
  const app = Fastify({
    bodyLimit,
    serverFactory: createServer,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
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
  app.addContentTypeParser(
    ["application/json", NDJSON],
    { parseAs: "buffer" },
    async (_: unknown, body: unknown) => body,
  );
  return app;
}

function answerUnrouted(routes: KnownRoutes, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const methods = routes.methodsOf(request.raw.url ?? "");
  if (methods === undefined)
    throw new OrchestraError(
      "NOT_FOUND",
      "There is no such route; GET /v1/jobs and /v1/events are good ones to begin with",
    );
  reply.header("allow", methods.join(", "));
  if (request.method === "OPTIONS") return reply.code(204).send();
  throw new OrchestraError(
    "METHOD_NOT_ALLOWED",
    `Expected one of ${methods.join(", ")}, got ${request.method}`,
  );
}
