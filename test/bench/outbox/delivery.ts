import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, type SpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createSpanOutbox } from "../../../exporters/span-outbox.ts";
import { openStore } from "../../../src/store/open-store.ts";

/** One way out for spans. */
export interface Delivery {
  readonly name: string;
  readonly tracer: Tracer;
  /** Resolves when all spans have been handed over. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** The SDK's own, as its documentation shows it. */
export function startStock(name: string, url: string): Delivery {
  const exporter = new OTLPTraceExporter({ url });
  return deliveryThrough(name, new BatchSpanProcessor({ exporter }), async () => {});
}

export async function startOutbox(name: string, url: string): Promise<Delivery> {
  const folder = mkdtempSync(join(tmpdir(), "orchestra-bench-"));
  const store = await openStore({ file: join(folder, "store.db") });
  return deliveryThrough(name, await createSpanOutbox({ store, url }), async () => {
    store.close();
    rmSync(folder, { recursive: true });
  });
}

function deliveryThrough(name: string, processor: SpanProcessor, close: () => Promise<void>): Delivery {
  const provider = new TracerProvider({ spanProcessors: [processor] });
  return {
    name,
    tracer: provider.getTracer("bench"),
    flush: () => provider.forceFlush(),
    stop: async () => {
      await provider.shutdown();
      await close();
    },
  };
}
