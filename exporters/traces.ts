import {
  context,
  type Logger,
  logs,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type {
  JobCreated,
  JobEnded,
  JobProgressed,
  JobStarted,
  JobTracer,
  OpenedSpan,
} from "../src/lifecycle/job-tracer.ts";
import { ORCHESTRA, SCOPE_NAME, SPAN_EVENT, SPAN_JOB_STARTED } from "../src/semconv.ts";
import {
  endAttributes,
  eventIdentity,
  hrTime,
  identityAttributes,
  jobAttributes,
  progressAttributes,
} from "./span-attributes.ts";
import { type ExceptionSignal, recordException } from "./span-exception.ts";
import { requireCount } from "./span-limit.ts";
import { defaultSpanName } from "./span-name.ts";
import { EndedSpans, formatTraceparent, parseTraceparent, validSpanContext } from "./span-parent.ts";
import { ProgressFold } from "./span-progress.ts";

/** How a job's span relates to what caused it: as its child, as a root that links to it, or both. */
export type SpanTopology = "parent" | "link" | "both";

export interface OtelJobTracerOptions {
  /** Opens the spans. Whose provider it belongs to is the caller's choice; no global is set or needed. */
  tracer: Tracer;
  /** Names a job's span; keep ids out of it. Default: `invoke_agent {worker}` and its like, see the docs. */
  spanName?: ((job: JobCreated) => string) | undefined;
  /** Default: `parent`. */
  topology?: SpanTopology | undefined;
  /** The root span of a session, for jobs that nothing else is the cause of. Default: none is known. */
  sessionContext?: ((sessionId: string) => SpanContext | undefined) | undefined;
  /** Default: `span`. */
  exceptionSignal?: ExceptionSignal | undefined;
  /** Takes exceptions as log records. Default: the API's logger, so the host's provider if it has one. */
  logger?: Logger | undefined;
  /** Emits a zero-length `job.started` span as a job opens, so that it is seen before it ends. Default: true. */
  startedSpans?: boolean | undefined;
  /**
   * Progress events on a span, 2 to 126; more are folded. The SDK holds 128 span events by default and
   * silently evicts the oldest; two are left for the start and an exception. Default: 100.
   */
  maxProgressEvents?: number | undefined;
  /** Spans open at one time; jobs beyond it get none and are counted. Default: 100,000. */
  maxOpen?: number | undefined;
  /** Ended jobs that late children can still find as their parent. Default: 1,000. */
  maxEnded?: number | undefined;
}

export interface OtelJobTracerStats {
  /** Jobs whose span has not ended. */
  open: number;
  ended: number;
  /** Jobs that got no span, as `maxOpen` were open. */
  refused: number;
  /** Progress updates of ended jobs, and how many of them were folded away. */
  progress: number;
  folded: number;
  /** What a hook or the SDK threw; the caller never sees it. */
  failed: number;
}

export interface OtelJobTracer extends JobTracer {
  stats(): OtelJobTracerStats;
}

/** Maps jobs to spans as `docs/telemetry.md` has it. @throws INVALID_ARGUMENT */
export function createOtelJobTracer(options: OtelJobTracerOptions): OtelJobTracer {
  return new SpanPerJob(options);
}

interface OpenJob {
  readonly span: Span;
  /** Made with the first update. Added to the span at its end, as the API cannot take an event back. */
  progress: ProgressFold | undefined;
}

class SpanPerJob implements OtelJobTracer {
  readonly #tracer: Tracer;
  readonly #spanName: (job: JobCreated) => string;
  readonly #topology: SpanTopology;
  readonly #sessionContext: (sessionId: string) => SpanContext | undefined;
  readonly #exceptionSignal: ExceptionSignal;
  readonly #logger: Logger;
  readonly #startedSpans: boolean;
  readonly #maxProgressEvents: number;
  readonly #maxOpen: number;
  readonly #open = new Map<string, OpenJob>();
  readonly #ended: EndedSpans;
  readonly #stats = { ended: 0, refused: 0, progress: 0, folded: 0, failed: 0 };

  constructor(options: OtelJobTracerOptions) {
    this.#tracer = options.tracer;
    this.#spanName = options.spanName ?? defaultSpanName;
    this.#topology = options.topology ?? "parent";
    this.#sessionContext = options.sessionContext ?? (() => undefined);
    this.#exceptionSignal = options.exceptionSignal ?? "span";
    this.#logger = options.logger ?? logs.getLogger(SCOPE_NAME);
    this.#startedSpans = options.startedSpans ?? true;
    this.#maxProgressEvents = requireCount("maxProgressEvents", options.maxProgressEvents ?? 100, 2, 126);
    this.#maxOpen = requireCount("maxOpen", options.maxOpen ?? 100_000, 1);
    this.#ended = new EndedSpans(requireCount("maxEnded", options.maxEnded ?? 1_000, 0));
  }

  stats(): OtelJobTracerStats {
    return { open: this.#open.size, ...this.#stats };
  }

  open(job: JobCreated, handedIn?: string): OpenedSpan {
    const held = this.#open.get(job.jobId);
    if (held !== undefined) return { traceparent: formatTraceparent(held.span.spanContext()) };
    if (this.#open.size >= this.#maxOpen) {
      this.#stats.refused++;
      return { traceparent: handedIn };
    }
    const parent = this.#parentOf(job, handedIn);
    const span = this.#guard(() => this.#startSpan(job, parent));
    if (span === undefined) return { traceparent: handedIn };
    this.#open.set(job.jobId, { span, progress: undefined });
    if (this.#startedSpans && span.isRecording()) this.#guard(() => this.#announce(job, span));
    return {
      traceparent: formatTraceparent(span.spanContext()),
      parent: parent && formatTraceparent(parent),
    };
  }

  start(job: JobStarted): void {
    const span = this.#open.get(job.jobId)?.span;
    this.#guard(() => {
      span?.setAttribute(ORCHESTRA.JOB_QUEUE_DURATION, job.queuedMs / 1_000);
      span?.addEvent(SPAN_EVENT.STARTED, eventIdentity(job), hrTime(job.startedAt));
    });
  }

  annotate(progress: JobProgressed): void {
    const held = this.#open.get(progress.jobId);
    if (held === undefined || !held.span.isRecording()) return;
    held.progress ??= new ProgressFold(this.#maxProgressEvents);
    // A copy of what is needed, as the whole would keep the job's facts once per update.
    const { message, percent, current, total, unit, stage, updatedAt } = progress;
    held.progress.add({ message, percent, current, total, unit, stage, updatedAt });
  }

  close(end: JobEnded): void {
    const held = this.#open.get(end.jobId);
    if (held === undefined) return;
    this.#open.delete(end.jobId);
    this.#ended.add(end.jobId, held.span.spanContext());
    this.#stats.ended++;
    this.#guard(() => this.#endSpan(held, end));
  }

  within<T>(jobId: string, fn: () => T): T {
    const held = this.#open.get(jobId);
    return held === undefined ? fn() : context.with(trace.setSpan(context.active(), held.span), fn);
  }

  #startSpan(job: JobCreated, parent: SpanContext | undefined): Span {
    const options = {
      kind: job.queuedAt === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER,
      startTime: startOf(job),
      attributes: jobAttributes(job),
      links: parent === undefined || this.#topology === "parent" ? [] : [{ context: parent }],
    };
    // On top of the active context, for the baggage in it.
    const surroundings = trace.deleteSpan(context.active());
    const isChild = parent !== undefined && this.#topology !== "link";
    const parentContext = isChild ? trace.setSpanContext(surroundings, parent) : surroundings;
    const name = this.#guard(() => this.#spanName(job)) || defaultSpanName(job);
    return this.#tracer.startSpan(name, options, parentContext);
  }

  /** The nearest cause that is known: handed in, active, the parent job, the session. */
  #parentOf(job: JobCreated, traceparent: string | undefined): SpanContext | undefined {
    const { parentJobId, sessionId } = job;
    return (
      (traceparent && parseTraceparent(traceparent)) ||
      validSpanContext(trace.getSpanContext(context.active())) ||
      (parentJobId && validSpanContext(this.#spanContextOf(parentJobId))) ||
      (sessionId && validSpanContext(this.#guard(() => this.#sessionContext(sessionId)))) ||
      undefined
    );
  }

  #spanContextOf(jobId: string): SpanContext | undefined {
    return this.#open.get(jobId)?.span.spanContext() ?? this.#ended.get(jobId);
  }

  #announce(job: JobCreated, span: Span): void {
    const startTime = startOf(job);
    const attributes = { ...identityAttributes(job), [ORCHESTRA.JOB_STATUS]: job.status };
    const within = trace.setSpan(context.active(), span);
    this.#tracer.startSpan(SPAN_JOB_STARTED, { startTime, attributes }, within).end(startTime);
  }

  #endSpan({ span, progress }: OpenJob, end: JobEnded): void {
    if (progress !== undefined) this.#addProgress(span, progress, end);
    span.setAttributes(endAttributes(end));
    if (end.status === "failed") {
      span.setStatus({ code: SpanStatusCode.ERROR, message: end.error });
      // The logger is the host's: its fault must not leave the span open.
      this.#guard(() => recordException(span, end, this.#exceptionSignal, this.#logger));
    }
    span.end(hrTime(end.finishedAt));
  }

  #addProgress(span: Span, { kept, count }: ProgressFold, end: JobEnded): void {
    const folded = count - kept.length;
    this.#stats.progress += count;
    this.#stats.folded += folded;
    span.setAttributes({ [ORCHESTRA.PROGRESS_COUNT]: count, [ORCHESTRA.PROGRESS_FOLDED]: folded });
    const identity = eventIdentity(end);
    for (const update of kept) {
      span.addEvent(SPAN_EVENT.PROGRESS, progressAttributes(identity, update), hrTime(update.updatedAt));
    }
  }

  #guard<R>(action: () => R): R | undefined {
    try {
      return action();
    } catch {
      this.#stats.failed++;
      return undefined;
    }
  }
}

/** A clock that was set back must not yield work that begins before the job. */
function startOf(job: JobCreated) {
  return hrTime(Math.min(job.queuedAt ?? job.startedAt, job.startedAt));
}
