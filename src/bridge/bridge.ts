import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { SseHub } from "../../exporters/sse.ts";
import { OrchestraError, reasonOf } from "../errors.ts";
import { Access, type AccessOptions } from "./access.ts";
import { createApp } from "./app.ts";
import { EventIntake, type EventIntakeOptions } from "./event-intake.ts";
import { createFrontDoor } from "./front-door.ts";
import { reachableUrl } from "./host-name.ts";
import { type HttpServer, type HttpServerOptions, loadHttpServer } from "./http-server.ts";
import { KnownRoutes } from "./known-routes.ts";
import { MalformedRequests } from "./malformed-request.ts";
import { RequestBodies } from "./request-bodies.ts";
import { feedRoutes } from "./routes/feed.ts";
import { intakeRoutes } from "./routes/intake.ts";
import { type JobRoutesContext, jobRoutes } from "./routes/jobs.ts";
import { type OpenApiRoutesContext, openApiRoutes } from "./routes/openapi.ts";
import { type PanelRoutesContext, panelRoutes } from "./routes/panel.ts";
import { sessionRoutes } from "./routes/session.ts";
import { type StatusRoutesContext, statusRoutes } from "./routes/status.ts";

export type { JobContent } from "./routes/jobs.ts";

export interface BridgeOptions
  extends Omit<AccessOptions, "host">,
    EventIntakeOptions,
    HttpServerOptions,
    PanelRoutesContext,
    Pick<JobRoutesContext, "content" | "cancelJob">,
    Pick<StatusRoutesContext, "traceUrl"> {
  /** The address to bind. Any but loopback needs a token. Default: 127.0.0.1. */
  host?: string | undefined;
  /** 0 takes any that is free. Default: 4319. */
  port?: number | undefined;
  hub: SseHub;
  /** What `GET /v1/status` tells besides the feed's clients and the log's bounds. */
  status: () => object;
  /** Bytes of one request body. Default: 10 MiB. */
  bodyLimit?: number | undefined;
  /** Bytes of all request bodies that are held at once. Default: 64 MiB. */
  maxHeldBodies?: number | undefined;
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

/**
 * Serves the feed, the jobs and the event intake over HTTP.
 * @throws INVALID_CONFIG for options that cannot be used, UNAVAILABLE when the port is taken
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, onError = () => {} } = options;
  const access = new Access({ ...options, host });
  const routes = new KnownRoutes();
  const malformed = new MalformedRequests();
  const createServer = await loadHttpServer(options);
  let closing: Promise<void> | undefined;
  const isClosing = () => closing !== undefined;
  const { app, http } = createApp({
    routes,
    malformed,
    onError,
    createServer: (handle) => createServer(createFrontDoor({ access, malformed, isClosing }, handle)),
  });
  registerRoutes(app, { ...options, access, routes: () => routes.list() });
  await listen(app, host, port);
  // Only now, as what keeps it from listening is thrown.
  http.server.on("error", onError);
  if (options.holdsProcess === false) letGo(app.server);
  const address = app.server.address() as AddressInfo;
  return {
    url: reachableUrl({ ...options, host, port: address.port }),
    address,
    routes: routes.list(),
    close: ({ deadlineMs = 1_000 } = {}) => {
      closing ??= closeAll({ app, http, hub: options.hub }, deadlineMs);
      return closing;
    },
  };
}

type RoutesOptions = Omit<BridgeOptions, keyof AccessOptions> & OpenApiRoutesContext;

function registerRoutes(app: FastifyInstance, options: RoutesOptions): void {
  const { access, bodyLimit = 10 * MIB, maxHeldBodies = 64 * MIB, maxLineLength = MIB } = options;
  const bodies = new RequestBodies({ maxLength: bodyLimit, maxHeld: maxHeldBodies });
  feedRoutes(app, options);
  intakeRoutes(app, { access, bodies, intake: new EventIntake(options), maxLineLength });
  jobRoutes(app, { ...options, bodies });
  statusRoutes(app, options);
  sessionRoutes(app, options);
  openApiRoutes(app, options);
  panelRoutes(app, options);
}

const PORT_FAULTS: ReadonlySet<string> = new Set(["EADDRINUSE", "EACCES"]);

/** Neither the server nor who is connected to it keeps the process. */
function letGo(server: Server): void {
  server.unref();
  server.on("connection", (socket) => socket.unref());
}

/** Connections that may wait to be accepted, when all clients return at once; the system has its own limit, too. */
const BACKLOG = 4_096;

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port, backlog: BACKLOG });
  } catch (cause) {
    await app.close();
    const { code = "" } = cause as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? `it is taken by another program (${code})` : reasonOf(cause);
    const message = `Cannot listen on \`${host}:${port}\`: ${reason}`;
    // Anything but the port can only be the host's fault: a name that is unknown, or not this machine's.
    throw PORT_FAULTS.has(code)
      ? new OrchestraError("UNAVAILABLE", message, { cause, path: "port" })
      : new OrchestraError("INVALID_CONFIG", message, { cause, path: "host" });
  }
}

interface Open {
  app: FastifyInstance;
  http: HttpServer;
  hub: SseHub;
}

async function closeAll({ app, http, hub }: Open, deadlineMs: number): Promise<void> {
  // There is one server, also for `localhost`: the framework opens no second one beside ours.
  const cutOff = setTimeout(() => http.cutOff(), deadlineMs).unref();
  http.goAway();
  await Promise.all([hub.shutdown({ deadlineMs }), app.close()]);
  clearTimeout(cutOff);
}
