import { createSpanProvider } from "../../../exporters/span-provider.ts";
import { openSpanOutbox } from "../../../src/span-way-out.ts";

/** Spans as a telemetry without a data file makes and sends them. */
export async function openBenchSpans(url: string) {
  const exporter = { url, headers: {}, protocol: "http/json", timeoutMs: 10_000 } as const;
  const outbox = await openSpanOutbox(exporter, { onWarning: undefined });
  const { tracer } = createSpanProvider({ serviceName: "bench", instanceId: "bench-1", processor: outbox });
  return { tracer, outbox };
}
