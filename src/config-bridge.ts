import { defined } from "./defined.ts";
import { OrchestraError } from "./errors.ts";

export interface BridgeConfig {
  /** Default: `127.0.0.1`. Any other needs a token. */
  host: string;
  /** Default: 4319, or any free port when that is taken. 0: any free port. */
  port: number;
  /** Guards writes everywhere and reads off loopback. Default: a random one per process. */
  token: string | undefined;
  /** Names beside loopback's and `host` that requests may address this server by. */
  allowedHosts: readonly string[];
  /** Origins of web pages that may read and write, beside the server's own. */
  allowedOrigins: readonly string[];
  /** Clients of the feed at once; more are asked to come back later. Default: 1,000. */
  maxClients: number;
  /** Writes a second that one address may send for long, all together twice as many. Default: 1,000. */
  writesPerSecond: number;
  /** Encrypts the bridge. Default: it is not. */
  tls: BridgeTls | undefined;
  /**
   * When another process of the same data file serves the port, leave the feed to it, and serve it once
   * that process is gone; a port that was asked for and is somebody else's is waited for, too. Default: false.
   */
  join: boolean;
  /** Serve HTTP/2 as well as HTTP/1.1. Default: with `tls` only, as browsers speak it only there; never under Bun. */
  http2: boolean | undefined;
  /**
   * Where a trace is shown, such as `http://localhost:16686/trace/{traceId}`; the control panel's links to traces
   * lead there, and it fills in `{spanId}` and `{jobId}` as well. Default: there are none.
   */
  traceUrl: string | undefined;
}

/** Each is PEM text, or the name of a file that holds it. */
export interface BridgeTls {
  /** The certificate, and those that vouch for it. */
  cert: string;
  /** Its private key. */
  key: string;
}

/** Nothing is left to default. */
export type SettledBridgeConfig = BridgeConfig & { portIsDefault: boolean };

/** What the environment says, checked. */
interface BridgeVariables {
  ORCHESTRA_BRIDGE?: boolean | undefined;
  ORCHESTRA_BRIDGE_HOST?: string | undefined;
  ORCHESTRA_BRIDGE_PORT?: number | undefined;
  ORCHESTRA_TOKEN?: string | undefined;
  ORCHESTRA_ALLOWED_HOSTS?: readonly string[] | undefined;
  ORCHESTRA_ALLOWED_ORIGINS?: readonly string[] | undefined;
  ORCHESTRA_MAX_CLIENTS?: number | undefined;
  ORCHESTRA_WRITES_PER_SECOND?: number | undefined;
  ORCHESTRA_BRIDGE_TLS_CERT?: string | undefined;
  ORCHESTRA_BRIDGE_TLS_KEY?: string | undefined;
  ORCHESTRA_BRIDGE_HTTP2?: boolean | undefined;
  ORCHESTRA_TRACE_URL?: string | undefined;
}

export const DEFAULT_BRIDGE_PORT = 4319;

/** Undefined when the bridge is switched off. @throws INVALID_CONFIG for half of a certificate */
export function bridgeConfig(
  variables: BridgeVariables,
  settings: false | Partial<BridgeConfig> | undefined,
): SettledBridgeConfig | undefined {
  if (settings === false || variables.ORCHESTRA_BRIDGE === false) return undefined;
  const port = settings?.port ?? variables.ORCHESTRA_BRIDGE_PORT;
  const tls = settings?.tls ?? tlsConfig(variables);
  return {
    host: variables.ORCHESTRA_BRIDGE_HOST ?? "127.0.0.1",
    token: variables.ORCHESTRA_TOKEN,
    allowedHosts: variables.ORCHESTRA_ALLOWED_HOSTS ?? [],
    allowedOrigins: variables.ORCHESTRA_ALLOWED_ORIGINS ?? [],
    maxClients: variables.ORCHESTRA_MAX_CLIENTS ?? 1_000,
    writesPerSecond: variables.ORCHESTRA_WRITES_PER_SECOND ?? 1_000,
    join: false,
    http2: variables.ORCHESTRA_BRIDGE_HTTP2,
    traceUrl: variables.ORCHESTRA_TRACE_URL,
    ...defined(settings),
    tls,
    port: port ?? DEFAULT_BRIDGE_PORT,
    portIsDefault: port === undefined,
  };
}

function tlsConfig(variables: BridgeVariables): BridgeTls | undefined {
  const { ORCHESTRA_BRIDGE_TLS_CERT: cert, ORCHESTRA_BRIDGE_TLS_KEY: key } = variables;
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === key) return undefined;
  const path = `ORCHESTRA_BRIDGE_TLS_${cert === undefined ? "CERT" : "KEY"}`;
  throw new OrchestraError("INVALID_CONFIG", `Environment variable \`${path}\`: expected beside the other`, {
    path,
  });
}
