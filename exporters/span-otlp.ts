import { invalidArgument } from "../src/errors.ts";
import { requireCount } from "./span-limit.ts";

const OTLP_PROTOCOLS = ["http/json", "http/protobuf"] as const;

export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

export interface OtlpOptions {
  /** Full URL that spans are posted to. Default: `http://localhost:4318/v1/traces`. */
  url?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Default: `http/json`. */
  protocol?: OtlpProtocol | undefined;
  /** Time for one request, its retries included. Default: 10,000. */
  timeoutMs?: number | undefined;
}

/** Where to send and how, defaults filled in. */
export interface OtlpTarget {
  readonly url: URL;
  /** What to call the receiver: the URL without credentials and query. */
  readonly name: string;
  readonly protocol: OtlpProtocol;
  readonly timeoutMs: number;
}

/** @throws INVALID_ARGUMENT for a URL, protocol or time that cannot be used */
export function otlpTarget(options: OtlpOptions): OtlpTarget {
  const { protocol = "http/json" } = options;
  const timeoutMs = requireCount("timeoutMs", options.timeoutMs ?? 10_000, 1);
  const url = parseUrl(options.url ?? "http://localhost:4318/v1/traces");
  if (!OTLP_PROTOCOLS.includes(protocol)) {
    throw invalidArgument("protocol", `one of ${OTLP_PROTOCOLS.join(", ")}`, protocol);
  }
  return { url, name: url.origin + url.pathname, protocol, timeoutMs };
}

function parseUrl(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed?.protocol === "http:" || parsed?.protocol === "https:") return parsed;
  throw invalidArgument("url", "an http:// or https:// URL", url);
}
