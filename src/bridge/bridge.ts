import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { SseHub } from "../../exporters/sse.ts";
import { OrchestraError } from "../errors.ts";
import { Access, type AccessOptions } from "./access.ts";
import { createApp } from "./app.ts";
import { EventIntake, type EventIntakeOptions } from "./event-intake.ts";
import { createFrontDoor, type RequestHandler } from "./front-door.ts";
import { hostOfAddress, isWildcard } from "./host-name.ts";
import { KnownRoutes } from "./known-routes.ts";
import { MalformedRequests } from "./malformed-request.ts";
import { feedRoutes } from "./routes/feed.ts";
import { intakeRoutes } from "./routes/intake.ts";
import { type JobRoutesContext, jobRoutes } from "./routes/jobs.ts";
import { sessionRoutes } from "./routes/session.ts";
import { statusRoutes } from "./routes/status.ts";

export type { JobContent } from "./routes/jobs.ts";

export interface BridgeOptions
  extends Omit<AccessOptions, "host">,
    EventIntakeOptions,
    Pick<JobRoutesContext, "content" | "cancelJob"> {
  /** The address to bind. Any but loopback needs a token. Default: 127.0.0.1. */
  host?: string | undefined;
  /** 0 takes any that is free. Default: 4319. */
  port?: number | undefined;
  hub: SseHub;
  /** What `GET /v1/status` tells besides the feed's clients and the log's bounds. */
  status: () => object;
  /** Bytes of one request body. Default: 10 MiB. */
  bodyLimit?: number | undefined;
  /** Bytes of one posted event. Default: 1 MiB. */
  maxLineLength?: number | undefined;
  /** Whether the process lives on for as long as the bridge is open. Default: true. */
  holdsProcess?: boolean | undefined;
  /** Told of faults that were answered with 500. Default: they are only answered. */
  onError?: ((error: unknown) => void) | undefined;
}

export interface Bridge {
  /** Without a slash at its end. */
  readonly url: string;
  readonly address: AddressInfo;
  /** Each route as `GET /v1/jobs/:id`. */
  readonly routes: readonly string[];
  /**
   * Takes no more requests, shuts the hub down and ends every connection; cuts off what is still
   * connected after `deadlineMs` (default: 1,000). Idempotent.
   */
  close(options?: { deadlineMs?: number | undefined }): Promise<void>;
}

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 4319;

const MIB = 1024 * 1024;
/** Milliseconds within which a request must have arrived whole. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Serves the feed, the jobs and the event intake over HTTP.
 * @throws INVALID_CONFIG for options that cannot be used, UNAVAILABLE when the port is taken
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, onError = () => {} } = options;
  const access = new Access({ ...options, host });
  const routes = new KnownRoutes();
  const malformed = new MalformedRequests();
  let closing: Promise<void> | undefined;
  const app = createApp({
    bodyLimit: options.bodyLimit ?? 10 * MIB,
    routes,
    malformed,
    onError,
    createServer: (handle) => {
      const isClosing = () => closing !== undefined;
      return openServer(createFrontDoor({ access, malformed, isClosing }, handle), onError);
    },
  });
  registerRoutes(app, access, options);
  await listen(app, host, port);
  if (options.holdsProcess === false) letGo(app.server);
  const address = app.server.address() as AddressInfo;
  return {
    url: urlOf(host, address.port),
    address,
    routes: routes.list(),
    close: ({ deadlineMs = 1_000 } = {}) => {
      closing ??= closeAll(app, options.hub, deadlineMs);
      return closing;
    },
  };
}

function registerRoutes(app: FastifyInstance, access: Access, options: BridgeOptions): void {
  const context = { ...options, access };
  feedRoutes(app, context);
  intakeRoutes(app, {
    access,
    intake: new EventIntake(options),
    maxLineLength: options.maxLineLength ?? MIB,
  });
  jobRoutes(app, context);
  statusRoutes(app, context);
  sessionRoutes(app, context);
}

function openServer(handle: RequestHandler, onError: (error: unknown) => void): Server {
  const server = createServer(
    // A missing Host header is answered by the front door, in our format.
    { requireHostHeader: false, requestTimeout: REQUEST_TIMEOUT_MS, keepAlive: true },
    handle,
  );
  // An expectation that cannot be met may be ignored: RFC 9110, section 10.1.1.
  return server.on("checkExpectation", handle).on("error", onError);
}

const PORT_FAULTS: ReadonlySet<string> = new Set(["EADDRINUSE", "EACCES"]);

/** Neither the server nor who is connected to it keeps the process. */
function letGo(server: Server): void {
  server.unref();
  server.on("connection", (socket) => socket.unref());
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const message = `Cannot listen on \`${host}:${port}\`: ${(cause as Error).message}`;
    // Anything but the port can only be the host's fault: a name that is unknown, or not this machine's.
    throw PORT_FAULTS.has((cause as NodeJS.ErrnoException).code ?? "")
      ? new OrchestraError("UNAVAILABLE", message, { cause, path: "port" })
      : new OrchestraError("INVALID_CONFIG", message, { cause, path: "host" });
  }
}

async function closeAll(app: FastifyInstance, hub: SseHub, deadlineMs: number): Promise<void> {
  // There is one server, also for `localhost`: the framework opens no second one beside ours.
  const cutOff = setTimeout(() => app.server.closeAllConnections(), deadlineMs).unref();
  await Promise.all([hub.shutdown({ deadlineMs }), app.close()]);
  clearTimeout(cutOff);
}

/** An address to reach the bridge by: all addresses of this machine include its loopback. */
function urlOf(host: string, port: number): string {
  const own = hostOfAddress(host);
  return `http://${isWildcard(own) ? DEFAULT_HOST : own}:${port}`;
}
