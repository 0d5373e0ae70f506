import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createLogSink } from "../../../exporters/logs.ts";
import { createSseHub } from "../../../exporters/sse.ts";
import { createOtelJobTracer } from "../../../exporters/traces.ts";
import { openEventStream } from "../../../src/bridge/sse-response.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { observeJobs } from "../../../src/lifecycle/observe.ts";
import { openBenchSpans } from "./bench-spans.ts";
import { percentOf, RESPONSE, SESSION_ID, type Stack, stepMessage, TASK, WORKER_ID } from "./stack.ts";
import type { StackOptions } from "./usual-stack.ts";

/** The library, wired as `startTelemetry` wires it. */
export async function startOurStack({ tracesUrl, logFile }: StackOptions): Promise<Stack> {
  const { tracer, outbox } = await openBenchSpans(tracesUrl);
  const log = createMemoryEventLog();
  const hub = createSseHub({ log });
  // Every event is a line, as in the usual stack.
  const lines = createLogSink({ file: logFile, progressIntervalMs: 0 });
  const publisher = new EventPublisher({ log, sinks: [hub, lines] });
  const registry = new WorkerJobRegistry();
  const observer = observeJobs(registry, {
    publish: (event) => publisher.publish(event),
    tracer: createOtelJobTracer({ tracer }),
  });
  const server = createServer((_request, response) => {
    hub.connect(openEventStream(response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    name: "ours",
    spansPerJob: 2,
    feedUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    create: () => registry.create({ workerId: WORKER_ID, sessionId: SESSION_ID, message: TASK }).id,
    updateProgress: (jobId, step) => {
      registry.updateProgress(jobId, { message: stepMessage(step), percent: percentOf(step) });
    },
    complete: (jobId) => {
      registry.setResult(jobId, { responseText: RESPONSE });
    },
    flush: async () => {
      await publisher.flush();
      await outbox.forceFlush();
    },
    stop: async () => {
      observer.stop();
      await publisher.shutdown();
      await outbox.shutdown();
      server.closeAllConnections();
      server.close();
    },
  };
}
