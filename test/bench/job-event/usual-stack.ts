import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Span } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createChannel, createSession } from "better-sse";
import pino from "pino";
import { JOB_EVENT_DATA } from "../../../src/event/event-fields.ts";
import { percentOf, RESPONSE, SESSION_ID, type Stack, stepMessage, TASK, WORKER_ID } from "./stack.ts";

export interface StackOptions {
  tracesUrl: string;
  logFile: string;
}

type JobEventType = keyof typeof JOB_EVENT_DATA;

interface OpenJob {
  span: Span;
  startedAt: number;
  revision: number;
}

/**
 * What one builds from the well-known parts, each used as its own documentation shows: every event is
 * checked by zod, gets a UUID and an ISO date, becomes a span event, a pino line and a better-sse
 * broadcast; spans leave through the batch processor and OTLP over HTTP.
 */
export async function startUsualStack({ tracesUrl, logFile }: StackOptions): Promise<Stack> {
  const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: tracesUrl }) });
  const provider = new TracerProvider({ spanProcessors: [processor] });
  const tracer = provider.getTracer("usual");
  const destination = pino.destination(logFile);
  const logger = pino(destination);
  const channel = createChannel();
  const server = createServer(async (request, response) => {
    channel.register(await createSession(request, response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const jobs = new Map<string, OpenJob>();

  const publish = (jobId: string, job: OpenJob, type: JobEventType, fields: object) => {
    const { startedAt } = job;
    const revision = job.revision++;
    const data = JOB_EVENT_DATA[type].parse({
      jobId,
      workerId: WORKER_ID,
      sessionId: SESSION_ID,
      startedAt,
      revision,
      ...fields,
    });
    const { traceId, spanId } = job.span.spanContext();
    const traceIds = { trace_id: traceId, span_id: spanId };
    const event = { id: randomUUID(), type, timestamp: new Date().toISOString(), ...traceIds, data };
    job.span.addEvent(type, spanEventAttributes(data));
    logger.info({ event: type, event_id: event.id, ...traceIds, ...data }, `${WORKER_ID} ${type}`);
    channel.broadcast(event, type, { eventId: event.id });
  };

  return {
    name: "usual",
    spansPerJob: 1,
    feedUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    create: () => {
      const jobId = randomUUID();
      const attributes = { "job.id": jobId, "worker.id": WORKER_ID, "session.id": SESSION_ID };
      const span = tracer.startSpan(`invoke_agent ${WORKER_ID}`, { attributes });
      const job = { span, startedAt: Date.now(), revision: 0 };
      jobs.set(jobId, job);
      publish(jobId, job, "orchestra.job.created", {
        status: "running",
        message: TASK,
        messageLength: TASK.length,
      });
      return jobId;
    },
    updateProgress: (jobId, step) => {
      publish(jobId, jobs.get(jobId) as OpenJob, "orchestra.job.progress", {
        status: "running",
        message: stepMessage(step),
        percent: percentOf(step),
        updatedAt: Date.now(),
      });
    },
    complete: (jobId) => {
      const job = jobs.get(jobId) as OpenJob;
      const finishedAt = Date.now();
      publish(jobId, job, "orchestra.job.completed", {
        status: "succeeded",
        finishedAt,
        durationMs: finishedAt - job.startedAt,
        responsePreview: RESPONSE,
        responseLength: RESPONSE.length,
      });
      job.span.end();
      jobs.delete(jobId);
    },
    flush: () => provider.forceFlush(),
    stop: async () => {
      await provider.shutdown();
      server.closeAllConnections();
      server.close();
      destination.end();
    },
  };
}

/** What makes a span event worth its place: whose it is and what it says. */
function spanEventAttributes(data: { jobId: string; message?: string; percent?: number | undefined }) {
  return {
    "job.id": data.jobId,
    "worker.id": WORKER_ID,
    "session.id": SESSION_ID,
    "job.message": data.message,
    "job.percent": data.percent,
  };
}
