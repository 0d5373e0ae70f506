import { TraceFlags } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { emptyResource, resourceFromAttributes } from "@opentelemetry/resources";
import { type ReadableSpan, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpanPipeline, type SpanPipelineOptions } from "../../../exporters/span-pipeline.ts";

/** An exporter that answers when it is told to. */
class HeldExporter implements SpanExporter {
  readonly received: ReadableSpan[][] = [];
  readonly #answers: ((result: ExportResult) => void)[] = [];

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.received.push(spans);
    this.#answers.push(done);
  }

  /** Answers the oldest request that waits; nothing when none does. */
  answer(error?: Error): void {
    const code = error === undefined ? ExportResultCode.SUCCESS : ExportResultCode.FAILED;
    this.#answers.shift()?.(error === undefined ? { code } : { code, error });
  }

  async shutdown(): Promise<void> {}
}

/** Answers each request at once, by what `outcome` throws. */
function promptExporter(outcome: () => void): SpanExporter {
  return {
    export: (_spans, done) => {
      try {
        outcome();
        done({ code: ExportResultCode.SUCCESS });
      } catch (error) {
        done({ code: ExportResultCode.FAILED, error: error as Error });
      }
    },
    shutdown: async () => {},
  };
}

function setUp<E extends SpanExporter>(exporter: E, options: Partial<SpanPipelineOptions> = {}) {
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  const pipeline = new SpanPipeline({ exporter, onWarning, ...options });
  const provider = new TracerProvider({ resource: emptyResource(), spanProcessors: [pipeline] });
  const tracer = provider.getTracer("test");
  const end = (spans: number) => {
    for (let i = 0; i < spans; i++) tracer.startSpan("work").end();
  };
  return { exporter, pipeline, end, warnings };
}

const down = () => {
  throw new Error("connect ECONNREFUSED");
};

type Stage = ReturnType<typeof setUp<HeldExporter>>;

/** Something that can happen to a pipeline. A flush is not waited for, as its answer is a step of its own. */
const step: fc.Arbitrary<(stage: Stage) => unknown> = fc.oneof(
  fc.integer({ min: 1, max: 30 }).map((spans) => (stage: Stage) => stage.end(spans)),
  fc.constantFrom(
    ({ pipeline }: Stage) => void pipeline.forceFlush(),
    ({ exporter }: Stage) => exporter.answer(),
    ({ exporter }: Stage) => exporter.answer(new Error("no")),
    ({ pipeline }: Stage) => pipeline.shutdown({ deadlineMs: 0 }),
  ),
);

describe("the ledger of spans", () => {
  it("counts a span as pending until it is answered for", async () => {
    const { exporter, pipeline, end } = setUp(new HeldExporter());
    end(3);
    expect(pipeline.stats()).toMatchObject({ ended: 3, pending: 3, exported: 0 });
    const flushed = pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ ended: 3, pending: 3, exported: 0 });
    exporter.answer();
    await flushed;
    expect(pipeline.stats()).toMatchObject({ ended: 3, pending: 0, exported: 3, lastError: undefined });
  });

  it("drops the newest when too many are pending, those on their way included", async () => {
    const { exporter, pipeline, end } = setUp(new HeldExporter(), { maxQueueSize: 4 });
    end(3);
    const flushed = pipeline.forceFlush();
    end(3);
    expect(pipeline.stats()).toMatchObject({ ended: 6, pending: 4, dropped: { queue_full: 2 } });
    exporter.answer();
    await flushed;
    end(1);
    expect(pipeline.stats()).toMatchObject({ ended: 7, exported: 3, pending: 2, dropped: { queue_full: 2 } });
  });

  it("counts what the exporter gave up on, with its reason", async () => {
    const { pipeline, end } = setUp(promptExporter(down));
    end(2);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ pending: 0, dropped: { export_failed: 2 } });
    expect(pipeline.stats().lastError).toBe("connect ECONNREFUSED");
  });

  it("counts an exporter that throws as one that failed", async () => {
    const { pipeline, end } = setUp({ export: down, shutdown: async () => {} });
    end(1);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ pending: 0, dropped: { export_failed: 1 } });
  });

  it("counts each batch once, however often it is answered", async () => {
    const exporter: SpanExporter = {
      export: (_spans, done) => {
        done({ code: ExportResultCode.SUCCESS });
        done({ code: ExportResultCode.FAILED });
      },
      shutdown: async () => {},
    };
    const { pipeline, end } = setUp(exporter);
    end(1);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ ended: 1, exported: 1, dropped: { export_failed: 0 } });
  });

  it("leaves out spans that are not sampled", () => {
    const { pipeline } = setUp(new HeldExporter());
    const unsampled = { spanContext: () => ({ traceId: "", spanId: "", traceFlags: TraceFlags.NONE }) };
    pipeline.onEnd(unsampled as ReadableSpan);
    expect(pipeline.stats().ended).toBe(0);
  });

  it("balances whatever happens: ended = exported + pending + dropped", async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const stage = setUp(new HeldExporter(), { maxQueueSize: 50, maxBatchSize: 7 });
      for (const act of steps) {
        await act(stage);
        const { ended, exported, pending, dropped } = stage.pipeline.stats();
        const lost = Object.values(dropped).reduce((sum, count) => sum + count);
        expect(exported + pending + lost).toBe(ended);
        expect(pending).toBeLessThanOrEqual(50);
      }
      await stage.pipeline.shutdown({ deadlineMs: 0 });
      expect(stage.pipeline.stats().pending).toBe(0);
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

describe("a flush", () => {
  it("waits for what was on its way before", async () => {
    const { exporter, pipeline, end } = setUp(new HeldExporter());
    end(1);
    const first = pipeline.forceFlush();
    end(1);
    const second = pipeline.forceFlush();
    exporter.answer();
    exporter.answer();
    await Promise.all([first, second]);
    expect(pipeline.stats()).toMatchObject({ exported: 2, pending: 0 });
  });

  it("sends what waits in batches", async () => {
    const { exporter, pipeline, end } = setUp(new HeldExporter(), { maxBatchSize: 2 });
    end(2);
    end(3);
    const flushed = pipeline.forceFlush();
    for (let i = 0; i < 3; i++) exporter.answer();
    await flushed;
    expect(exporter.received.map((batch) => batch.length)).toEqual([2, 2, 1]);
  });
});

describe("warnings", () => {
  it("come once while spans cannot be delivered, and again after it had worked", async () => {
    let isUp = false;
    const { pipeline, end, warnings } = setUp(
      promptExporter(() => isUp || down()),
      { target: "http://collector:4318/v1/traces" },
    );
    const deliver = async () => {
      end(1);
      await pipeline.forceFlush();
    };
    await deliver();
    await deliver();
    expect(warnings).toEqual([
      "Spans cannot be delivered to http://collector:4318/v1/traces: connect ECONNREFUSED. They are dropped and counted.",
    ]);
    isUp = true;
    await deliver();
    isUp = false;
    await deliver();
    expect(warnings).toHaveLength(2);
  });

  it.each([
    [
      "its code, when it has no message",
      Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }),
      "ECONNREFUSED",
    ],
    ["no more than that", undefined, "unknown error"],
  ])("tell of an error %s", async (_what, error, text) => {
    const { pipeline, end, warnings } = setUp({
      export: (_spans, done) => done({ code: ExportResultCode.FAILED, ...(error && { error }) }),
      shutdown: async () => {},
    });
    end(1);
    await pipeline.forceFlush();
    expect(warnings).toEqual([
      `Spans cannot be delivered to the exporter: ${text}. They are dropped and counted.`,
    ]);
  });

  it("may throw, or have nobody to be told to", async () => {
    for (const onWarning of [down, undefined]) {
      const { pipeline, end } = setUp(promptExporter(down), { onWarning });
      end(1);
      await pipeline.forceFlush();
      expect(pipeline.stats().dropped.export_failed).toBe(1);
    }
  });
});

describe("the shutdown", () => {
  it("delivers what waits", async () => {
    const { pipeline, end } = setUp(promptExporter(() => {}));
    end(3);
    await pipeline.shutdown();
    expect(pipeline.stats()).toMatchObject({ ended: 3, exported: 3, pending: 0 });
  });

  it("gives up at its deadline, with a warning, and ignores later answers", async () => {
    const { exporter, pipeline, end, warnings } = setUp(new HeldExporter());
    end(2);
    await pipeline.shutdown({ deadlineMs: 5 });
    exporter.answer();
    expect(pipeline.stats()).toMatchObject({ ended: 2, exported: 0, pending: 0, dropped: { shutdown: 2 } });
    expect(warnings).toEqual([expect.stringContaining("no answer within the shutdown deadline")]);
  });

  it("counts what ends afterwards", async () => {
    const { pipeline, end } = setUp(promptExporter(() => {}));
    await pipeline.shutdown();
    end(1);
    expect(pipeline.stats()).toMatchObject({ ended: 1, exported: 0, dropped: { closed: 1 } });
  });

  it("closes the exporter once, and does not mind if that fails", async () => {
    let closings = 0;
    const { pipeline } = setUp({
      export: (_spans, done) => done({ code: ExportResultCode.SUCCESS }),
      shutdown: async () => {
        closings++;
        down();
      },
    });
    await Promise.all([pipeline.shutdown(), pipeline.shutdown()]);
    await pipeline.shutdown();
    expect(closings).toBe(1);
  });

  it("sends nothing after its deadline, not even what the SDK held back", async () => {
    const exporter = new HeldExporter();
    const pipeline = new SpanPipeline({ exporter });
    const { promise, resolve } = Promise.withResolvers<string>();
    const resource = resourceFromAttributes({ "host.id": promise });
    const provider = new TracerProvider({ resource, spanProcessors: [pipeline] });
    provider.getTracer("test").startSpan("work").end();
    await pipeline.shutdown({ deadlineMs: 5 });
    resolve("late");
    await resource.waitForAsyncAttributes?.();
    await pipeline.forceFlush();
    expect(exporter.received).toEqual([]);
    expect(pipeline.stats()).toMatchObject({ ended: 1, pending: 0, dropped: { shutdown: 1 } });
  });
});

describe("the options", () => {
  it.each([{ maxQueueSize: 0 }, { maxBatchSize: 1.5 }])("refuse %o", (options) => {
    const path = Object.keys(options)[0];
    expect(() => setUp(new HeldExporter(), options)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", path }),
    );
  });

  it("let a batch be no larger than the queue", async () => {
    const { exporter, pipeline, end } = setUp(new HeldExporter(), { maxQueueSize: 2, maxBatchSize: 10 });
    end(2);
    expect(exporter.received.map((batch) => batch.length)).toEqual([2]);
    exporter.answer();
    await pipeline.shutdown();
  });
});
