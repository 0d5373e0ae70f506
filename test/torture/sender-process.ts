// Makes spans at an even pace until it is told to stop: see sender.ts.

import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { startTelemetry, WorkerJobRegistry } from "../../src/index.ts";
import type { SenderReply, SenderRequest, SenderTask } from "./sender.ts";

const TICK_MS = 20;
const MEMORY_MS = 250;

const { kind, dataFile, tracesUrl, rate }: SenderTask = JSON.parse(process.argv[2] as string);
const reply = (message: SenderReply) => process.send?.(message);

/** Makes one thing, and returns how many spans that are. */
type Maker = (index: number) => number;

const makers: Record<SenderTask["kind"], () => Promise<Maker>> = {
  ours: async () => {
    const registry = new WorkerJobRegistry();
    const telemetry = await startTelemetry({
      env: {},
      registry,
      dataFile,
      bridge: false,
      traces: { url: tracesUrl },
    });
    telemetry.observe(registry);
    return (index) => {
      const id = `job-${index}`;
      registry.create({ id, workerId: "w", message: "made while nobody listens" });
      registry.setResult(id, { responseText: "ok" });
      return 2;
    };
  },
  stock: async () => {
    const exporter = new OTLPTraceExporter({ url: tracesUrl });
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
    const tracer = provider.getTracer("stock");
    return (index) => {
      const attributes = { "orchestra.job.id": `job-${index}`, "orchestra.worker.id": "w" };
      tracer.startSpan("invoke_agent w", { attributes }).end();
      return 1;
    };
  },
};

const make = await makers[kind]();
const begin = performance.now();
let count = 0;
let made = 0;

const ticking = setInterval(() => {
  const due = Math.floor(((performance.now() - begin) * rate) / 1_000);
  while (made < due) made += make(++count);
}, TICK_MS);

setInterval(() => reply({ kind: "memory", rssBytes: process.memoryUsage.rss() }), MEMORY_MS);

process.on("message", (_request: SenderRequest) => {
  clearInterval(ticking);
  reply({ kind: "stopped", made });
});
process.once("disconnect", () => process.exit(0));
reply({ kind: "ready" });
