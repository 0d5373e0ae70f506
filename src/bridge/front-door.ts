import type { IncomingMessage, ServerResponse } from "node:http";
import { OrchestraError } from "../errors.ts";
import type { Access } from "./access.ts";
import { sendError } from "./http-error.ts";
import type { MalformedRequests } from "./malformed-request.ts";

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface FrontDoorOptions {
  access: Access;
  malformed: MalformedRequests;
  isClosing: () => boolean;
}

const ALLOWED_METHODS = "GET, HEAD, POST";
const ALLOWED_HEADERS = "Authorization, Cache-Control, Content-Type, Last-Event-ID";
/** How long a browser may remember that it may ask, in seconds. */
const PREFLIGHT_SECONDS = "600";

/**
 * Checks the Host and Origin of every request before the framework sees it: so also of those that match
 * no route or whose path it cannot read.
 */
export function createFrontDoor(
  { access, malformed, isClosing }: FrontDoorOptions,
  handle: RequestHandler,
): RequestHandler {
  return (request, response) => {
    malformed.keepOff(request, response);
    response.setHeader("vary", "Origin");
    response.setHeader("x-content-type-options", "nosniff");
    try {
      access.checkHost(request);
      allowOrigin(response, access.checkOrigin(request));
      if (isClosing()) throw new OrchestraError("UNAVAILABLE", "The server is shutting down");
    } catch (error) {
      sendError(response, error);
      return;
    }
    if (isPreflight(request)) answerPreflight(response);
    else handle(request, response);
  };
}

function allowOrigin(response: ServerResponse, origin: string | undefined): void {
  if (origin === undefined) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-credentials", "true");
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    "access-control-allow-methods": ALLOWED_METHODS,
    "access-control-allow-headers": ALLOWED_HEADERS,
    "access-control-max-age": PREFLIGHT_SECONDS,
  });
  response.end();
}
