import { type Attributes, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { emptyResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { hrTime } from "../../../exporters/span-attributes.ts";
import { createSpanRebuilder } from "../../../exporters/span-rebuild.ts";
import { createOtelJobTracer } from "../../../exporters/traces.ts";
import { createOrchestratorEvent, type JobEvent, type OrchestratorEvent } from "../../../src/event/event.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import type { SpanRebuilder } from "../../../src/lifecycle/job-story.ts";
import { observeJobs } from "../../../src/lifecycle/observe.ts";
import { EXAMPLE_TRACEPARENT } from "../../fixtures/event-examples.ts";

/** A job as it was lived: its events, and the spans of the process that ran it. */
function live(act: (registry: WorkerJobRegistry) => void, topology: "parent" | "link" = "parent") {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const registry = new WorkerJobRegistry({ createId: () => "j" });
  const events: JobEvent[] = [];
  observeJobs(registry, {
    publish: (event) => void events.push({ ...event, source: "dead-1" } as JobEvent),
    tracer: createOtelJobTracer({ tracer: provider.getTracer("t"), topology }),
  });
  act(registry);
  const span = exporter.getFinishedSpans().find(({ name }) => name !== "job.started") as ReadableSpan;
  return { span, story: events };
}

/** Tells a whole story, its end included. */
function retell(story: readonly JobEvent[], rebuildSpan: SpanRebuilder): void {
  const tracer = rebuildSpan(story[0] as JobEvent);
  for (const event of story) {
    if (event.type === "orchestra.job.started") tracer?.start(event.data);
    else if (event.type === "orchestra.job.progress") tracer?.annotate(event.data);
    else if ("finishedAt" in event.data) tracer?.close(event.data);
  }
}

function rebuild(
  story: readonly JobEvent[],
  topology: "parent" | "link" = "parent",
): readonly ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const processor = new SimpleSpanProcessor({ exporter });
  const resource = resourceFromAttributes({ "service.name": "shop", "service.instance.id": "alive-1" });
  retell(story, createSpanRebuilder({ processor, resource, tracer: { topology } }));
  return exporter.getFinishedSpans();
}

function facts(span: ReadableSpan | undefined) {
  if (span === undefined) return undefined;
  const { name, kind, startTime, endTime, status, events, links, parentSpanContext } = span;
  const attributes: Attributes = { ...span.attributes };
  delete attributes["orchestra.job.reconstructed"];
  const { traceId, spanId } = span.spanContext();
  const parent = parentSpanContext?.spanId;
  const linked = links.map(({ context }) => context.spanId);
  return { name, kind, startTime, endTime, status, events, linked, parent, attributes, traceId, spanId };
}

const completed = (registry: WorkerJobRegistry) => {
  registry.create({ workerId: "w", sessionId: "s", message: "m", traceparent: EXAMPLE_TRACEPARENT });
  registry.updateProgress("j", { message: "half", percent: 50 });
  registry.setResult("j", { responseText: "done" });
};

const queuedThenFailed = (registry: WorkerJobRegistry) => {
  registry.create({ workerId: "w", message: "m", queued: true });
  registry.start("j");
  registry.setError("j", { error: new TypeError("no") });
  registry.attachReport("j", { summary: "sorry" });
};

describe("a rebuilt span", () => {
  it.each([
    ["a child of what was handed in", completed, "parent"],
    ["linked to what was handed in", completed, "link"],
    ["of a queued job that failed", queuedThenFailed, "parent"],
  ] as const)("is the span that was lived, when it is %s", (_case, act, topology) => {
    const { span, story } = live(act, topology);
    expect(facts(rebuild(story, topology)[0])).toEqual(facts(span));
  });

  it("says that it is rebuilt, and which process began it", () => {
    const [span] = rebuild(live(completed).story);
    expect(span?.attributes["orchestra.job.reconstructed"]).toBe(true);
    expect(span?.resource.attributes).toMatchObject({
      "service.name": "shop",
      "service.instance.id": "dead-1",
    });
  });

  it("comes alone: the marker of the job's start was sent by who began it", () => {
    expect(rebuild(live(completed).story)).toHaveLength(1);
  });

  it("keeps the resource as it is when the job's process is not known", () => {
    const { story } = live(completed);
    const events = story.map((event) => ({ ...event, source: undefined }));
    expect(rebuild(events)[0]?.resource.attributes["service.instance.id"]).toBe("alive-1");
  });

  it("has the interrupted end that recovery wrote", () => {
    const { story } = live((registry) => void registry.create({ workerId: "w", message: "m" }));
    const [created] = story as [OrchestratorEvent<"orchestra.job.created">];
    const end = createOrchestratorEvent("orchestra.job.failed", {
      ...{ jobId: "j", workerId: "w", startedAt: created.data.startedAt },
      ...{ status: "failed", revision: 1, error: "gone", errorType: "interrupted" },
      ...{ finishedAt: created.data.startedAt + 5, durationMs: 5 },
    });
    const [span] = rebuild([created, end]);
    expect(span).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: "gone" },
      attributes: { "error.type": "interrupted", "orchestra.job.result": "error" },
      events: [],
    });
  });

  it("is not made without its ids, or when it was not sampled", () => {
    const [created, ...rest] = live(completed).story as [JobEvent, ...JobEvent[]];
    const unsampled = created.traceparent?.replace(/01$/, "02");
    const stories = [undefined, "nonsense", unsampled].map((traceparent) => [
      { ...created, traceparent },
      ...rest,
    ]);
    expect(stories.map((events) => rebuild(events).length)).toEqual([0, 0, 0]);
  });

  it("is made although what caused it was not sampled, as that was decided when it began", () => {
    const { story } = live(completed);
    const [created, ...rest] = story as [OrchestratorEvent<"orchestra.job.created">, ...JobEvent[]];
    const parentTraceparent = EXAMPLE_TRACEPARENT.replace(/01$/, "00");
    const [span] = rebuild([{ ...created, data: { ...created.data, parentTraceparent } }, ...rest]);
    expect(span?.parentSpanContext?.spanId).toBe(EXAMPLE_TRACEPARENT.slice(36, 52));
  });

  it("is made again by the same rebuilder for the next story", () => {
    const exporter = new InMemorySpanExporter();
    const processor = new SimpleSpanProcessor({ exporter });
    const rebuildSpan = createSpanRebuilder({ processor, resource: emptyResource() });
    const stories = [live(completed).story, live(queuedThenFailed).story];
    for (const story of stories) retell(story, rebuildSpan);
    const ids = stories.map((events) => events[0]?.traceparent?.slice(36, 52));
    expect(exporter.getFinishedSpans().map((span) => span.spanContext().spanId)).toEqual(ids);
  });
});

describe("the span of a job whose beginning is gone", () => {
  it("has the ids, the start and the facts that every event repeats, and no more than is known", () => {
    const { span, story } = live(completed);
    const [rebuilt] = rebuild(story.slice(1));
    const { name, startTime, endTime, events, traceId, spanId, attributes } = facts(span) ?? {};
    const { "orchestra.job.message": _, "orchestra.job.message_length": __, ...known } = attributes ?? {};
    expect(facts(rebuilt)).toMatchObject({ name, startTime, endTime, events, traceId, spanId });
    expect(facts(rebuilt)).toMatchObject({ parent: undefined, linked: [] });
    expect(facts(rebuilt)?.attributes).toEqual(known);
  });

  it("begins when the job was queued, while its start is left to tell", () => {
    const { span, story } = live(queuedThenFailed);
    const { name, kind, startTime } = facts(span) ?? {};
    expect(facts(rebuild(story.slice(1))[0])).toMatchObject({ name, kind, startTime });
  });

  it("begins with the work when nothing tells any more that the job was queued", () => {
    const { story } = live(queuedThenFailed);
    const [end] = story.slice(2) as [JobEvent];
    const { startTime, kind } = facts(rebuild([end])[0]) ?? {};
    expect([startTime, kind]).toEqual([hrTime(end.data.startedAt), SpanKind.INTERNAL]);
  });
});
