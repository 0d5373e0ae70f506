import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { OrchestraError } from "../errors.ts";
import type { Access } from "./access.ts";
import { sendError } from "./http-error.ts";
import type { MalformedRequests } from "./malformed-request.ts";
import { FEED_PATH } from "./routes/feed.ts";

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface FrontDoorOptions {
  access: Access;
  malformed: MalformedRequests;
  isClosing: () => boolean;
}

const ALLOWED_METHODS = "GET, HEAD, POST";
const EXPOSED_HEADERS = "Allow, Retry-After, WWW-Authenticate";
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
  const ending = new WeakSet<Socket>();
  return (request, response) => {
    malformed.keepOff(request, response);
    if (ending.has(request.socket)) return;
    // There is nothing to upgrade to. Node throws away what came right behind such a request, so that what
    // comes later may begin in the middle of another one.
    if (request.headers.upgrade !== undefined) {
      ending.add(request.socket);
      response.shouldKeepAlive = false;
    }
    response.setHeader("vary", "Origin");
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("cross-origin-resource-policy", "same-origin");
    try {
      access.checkHost(request);
      allowOrigin(response, access.checkOrigin(request));
      if (isClosing() && !isForFeed(request))
        throw new OrchestraError("UNAVAILABLE", "The server is shutting down");
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
  response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
}

/** The feed says itself that it closes: any other status than 200 would end an EventSource for good. */
function isForFeed({ method, url = "" }: IncomingMessage): boolean {
  return method === "GET" && (url === FEED_PATH || url.startsWith(`${FEED_PATH}?`));
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
