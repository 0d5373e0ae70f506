import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { otlpTarget } from "../../exporters/span-otlp.ts";
import { loadSpanCodecs } from "../../exporters/span-outbox-codec.ts";
import { judge, type Verdict } from "../../exporters/span-outbox-reply.ts";
import { createSpanProvider } from "../../exporters/span-provider.ts";
import { SpanTransport } from "../../exporters/span-transport.ts";
import type { Config, ExporterConfig } from "../config.ts";
import { SPAN_DOCTOR } from "../semconv.ts";
import { ageText } from "./amount.ts";
import type { Finding } from "./doctor-finding.ts";

/** Sends one span to where spans are sent, and tells what came back. */
export async function examineReceiver(
  config: Config,
  exporter: ExporterConfig | undefined,
  now: () => number,
): Promise<Finding> {
  if (!config.traces) return finding("note", "Spans are switched off, so none was sent");
  if (exporter === undefined) return finding("broken", "No test span was sent: see the configuration");
  const { name, url } = otlpTarget(exporter);
  const started = performance.now();
  const verdict = await send(config, exporter, now).catch((error: unknown) => failure(error, name, url));
  const durationMs = Math.round(performance.now() - started);
  const facts = { url: name, protocol: exporter.protocol, durationMs };
  if (typeof verdict === "string") return finding("broken", verdict, facts);
  const fault = faultOf(verdict, name);
  if (fault !== undefined) return finding("broken", fault, facts);
  return finding("ok", `${name} took the test span ${SPAN_DOCTOR} in ${durationMs} ms`, facts);
}

function finding(status: Finding["status"], text: string, facts?: Finding["facts"]): Finding {
  return { part: "receiver", status, text, facts };
}

async function send(config: Config, exporter: ExporterConfig, now: () => number): Promise<Verdict> {
  const codecs = await loadSpanCodecs();
  const { contentType, encode, join } = codecs[exporter.protocol];
  const { url, timeoutMs } = otlpTarget(exporter);
  const transport = new SpanTransport({ url, timeoutMs, headers: exporter.headers });
  // Neither its sockets nor its timers hold the process.
  const hold = setInterval(() => {}, timeoutMs);
  try {
    const reply = await transport.post(contentType, join([encode([testSpan(config)])]));
    return judge(reply, codecs, now());
  } finally {
    clearInterval(hold);
    transport.close();
  }
}

function testSpan({ serviceName, resourceAttributes }: Config): ReadableSpan {
  const ended: ReadableSpan[] = [];
  const nothing = async () => {};
  const processor = {
    onStart: () => {},
    onEnd: (span: ReadableSpan) => void ended.push(span),
    forceFlush: nothing,
    shutdown: nothing,
  };
  const instanceId = crypto.randomUUID();
  const { tracer } = createSpanProvider({ serviceName, resourceAttributes, instanceId, processor });
  tracer.startSpan(SPAN_DOCTOR, { root: true }).end();
  return ended[0] as ReadableSpan;
}

function faultOf(verdict: Verdict, name: string): string | undefined {
  if (verdict.kind === "accepted") {
    return verdict.rejected === 0 ? undefined : `${name} answered, but rejected the span: ${verdict.message}`;
  }
  const asked = verdict.kind === "later" && verdict.retryAfterMs;
  const when = asked ? `, and asks to be left alone for ${ageText(asked)}` : "";
  return `${name} answered ${verdict.reason}${when}${adviceFor(verdict.reason)}`;
}

/** For the answers that a wrong setting gets. */
function adviceFor(reason: string): string {
  const [, status] = /^HTTP (\d+)/.exec(reason) ?? [];
  if (status === "401" || status === "403") return ": are the OTEL_EXPORTER_OTLP_HEADERS right?";
  if (status === "404" || status === "405") return ": is it an OTLP receiver, and the path its own?";
  if (status === "415") return ": does it take the OTEL_EXPORTER_OTLP_PROTOCOL?";
  return "";
}

const FAULTS: Readonly<Record<string, (name: string, url: URL) => string>> = {
  ECONNREFUSED: (_, { origin }) => `connection refused by ${origin}: is a collector running?`,
  ENOTFOUND: (_, { hostname }) => `no host is known by the name ${hostname}`,
  EAI_AGAIN: (_, { hostname }) => `the name ${hostname} cannot be looked up now: is there a network?`,
  ECONNRESET: (name) => `${name} cut off the connection`,
  EPROTO: (name) => `${name} does not speak TLS: is it meant to be http://?`,
};

function failure(error: unknown, name: string, url: URL): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  // Node's parser of HTTP: what answers speaks something else, such as gRPC.
  if (code.startsWith("HPE_")) return `${name} does not answer in HTTP: is it the port of OTLP over gRPC?`;
  return FAULTS[code]?.(name, url) ?? `${name} cannot be reached: ${message || code}`;
}
