import type { SpanExporter } from "@opentelemetry/sdk-trace";
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

/**
 * The OTLP exporter of one protocol; only its packages are loaded, and only now.
 * @returns the exporter and what to call its receiver: the URL without credentials and query
 * @throws INVALID_ARGUMENT for a URL or protocol that cannot be used
 */
export async function loadOtlpExporter(
  options: OtlpOptions,
): Promise<{ exporter: SpanExporter; target: string }> {
  const { headers, protocol = "http/json" } = options;
  const timeoutMillis = requireCount("timeoutMs", options.timeoutMs ?? 10_000, 1);
  const url = parseOtlpUrl(options.url ?? "http://localhost:4318/v1/traces");
  if (!OTLP_PROTOCOLS.includes(protocol)) {
    throw invalidArgument("protocol", `one of ${OTLP_PROTOCOLS.join(", ")}`, protocol);
  }
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  const exporter = new OTLPTraceExporter({
    url: url.href,
    headers: { ...headers },
    timeoutMillis,
    // A flush sends all that waits at once; of more requests than this the exporter refuses the rest.
    concurrencyLimit: 256,
  });
  return {
    exporter,
    target: url.origin + url.pathname,
  };
}

export function parseOtlpUrl(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed?.protocol === "http:" || parsed?.protocol === "https:") return parsed;
  throw invalidArgument("url", "an http:// or https:// URL", url);
}
