import { InMemorySpanExporter } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { createSpanExport, createSpanPipeline } from "../../../exporters/span-export.ts";

const identity = { serviceName: "orders", instanceId: "i-1" };

describe("the span export", () => {
  it("puts the service's identity on the resource, over what else is said of it", async () => {
    const exporter = new InMemorySpanExporter();
    const resourceAttributes = { "service.name": "ignored", "deployment.environment.name": "test" };
    const { tracer, forceFlush } = await createSpanExport({ ...identity, exporter, resourceAttributes });
    tracer.startSpan("work").end();
    await forceFlush();
    const [span] = exporter.getFinishedSpans();
    expect(span?.instrumentationScope.name).toBe("orchestra-otel");
    expect(span?.resource.attributes).toMatchObject({
      "service.name": "orders",
      "service.instance.id": "i-1",
      "deployment.environment.name": "test",
      "telemetry.sdk.name": "opentelemetry",
    });
  });

  it("tells its stats, flushes and shuts down as its pipeline does", async () => {
    const spans = await createSpanExport({ ...identity, exporter: new InMemorySpanExporter() });
    spans.tracer.startSpan("work").end();
    await spans.shutdown({ deadlineMs: 1_000 });
    expect(spans.stats()).toMatchObject({ ended: 1, exported: 1, pending: 0 });
  });

  it.each([
    { url: "collector:4318", path: "url" },
    { url: "not a url", path: "url" },
    { protocol: "grpc" as "http/json", path: "protocol" },
    { timeoutMs: 0, path: "timeoutMs" },
  ])("refuses $path in %o", async ({ path, ...options }) => {
    const refusal = createSpanPipeline(options);
    await expect(refusal).rejects.toMatchObject({ code: "INVALID_ARGUMENT", path });
  });

  it.each([undefined, "http/json", "http/protobuf"] as const)(
    "needs no URL to speak %s",
    async (protocol) => {
      const pipeline = await createSpanPipeline({ protocol });
      await pipeline.shutdown();
      expect(pipeline.stats()).toMatchObject({ ended: 0, pending: 0 });
    },
  );
});
