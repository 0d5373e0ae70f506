import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { hrTime } from "../../exporters/span-attributes.ts";
import { formatTraceparent, parseTraceparent } from "../../exporters/span-parent.ts";
import { GEN_AI, GENERAL, OPERATION, ORCHESTRA, SPAN_EVENT } from "../semconv.ts";
import type { OpenCodeError } from "./opencode-facts.ts";

/** Whose call it is. */
export interface Caller {
  jobId: string;
  agent: string;
  /** The session that the job is part of. */
  sessionId: string;
  /** The session that it runs in: a subagent has one of its own. */
  conversationId: string;
}

interface CallEnd {
  at: number;
  /** What the call failed with. */
  error?: OpenCodeError | undefined;
  /** It was cut off. */
  isCanceled?: boolean | undefined;
  attributes?: Attributes | undefined;
}

/** The span of a call of the model or of a tool. Times are milliseconds since the epoch. */
export interface CallSpan {
  /** W3C trace context to hand on. */
  readonly traceparent: string | undefined;
  asked(at: number, permission: string): void;
  replied(at: number, permission: string, reply: string): void;
  retried(at: number, attempt: number): void;
  /** Ends it, once. */
  end(end: CallEnd): void;
}

export interface OpenCodeSpansOptions {
  tracer: Tracer;
  /** W3C trace context of an open job's span. */
  traceparentOf: (jobId: string) => string | undefined;
  /** Lets the texts of errors leave. */
  captureContent: boolean;
  /** Sees those texts before. Default: unchanged. */
  redact?: ((text: string) => string) | undefined;
}

/** Makes the spans of what happens inside a job, as children of the job's own. */
export class OpenCodeSpans {
  readonly #options: OpenCodeSpansOptions;
  #open = 0;

  constructor(options: OpenCodeSpansOptions) {
    this.#options = options;
  }

  /** Spans that have not ended. */
  get open(): number {
    return this.#open;
  }

  chat(caller: Caller, { at, model, provider }: { at: number; model: string; provider: string }): CallSpan {
    return this.#start(
      `${OPERATION.CHAT} ${model}`,
      SpanKind.CLIENT,
      at,
      {
        ...callerAttributes(caller),
        [GEN_AI.OPERATION_NAME]: OPERATION.CHAT,
        [GEN_AI.REQUEST_MODEL]: model,
        [GEN_AI.PROVIDER_NAME]: provider,
      },
      caller,
    );
  }

  tool(caller: Caller, { at, tool, callId }: { at: number; tool: string; callId: string }): CallSpan {
    return this.#start(
      `${OPERATION.EXECUTE_TOOL} ${tool}`,
      SpanKind.INTERNAL,
      at,
      {
        ...callerAttributes(caller),
        [GEN_AI.OPERATION_NAME]: OPERATION.EXECUTE_TOOL,
        [GEN_AI.TOOL_NAME]: tool,
        [GEN_AI.TOOL_CALL_ID]: callId,
      },
      caller,
    );
  }

  #start(spanName: string, kind: SpanKind, at: number, attributes: Attributes, caller: Caller): CallSpan {
    const { tracer, traceparentOf, captureContent, redact = (text) => text } = this.#options;
    const traceparent = traceparentOf(caller.jobId);
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    // Not what is active: that is OpenCode's own, which goes elsewhere or nowhere.
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const span = tracer.startSpan(spanName, { kind, startTime: hrTime(at), attributes }, context);
    this.#open++;
    const textOf = (error: OpenCodeError) => (captureContent ? redact(error.message) : undefined);
    return new Call(span, at, textOf, () => this.#open--);
  }
}

class Call implements CallSpan {
  readonly #span: Span;
  readonly #startedAt: number;
  /** Undefined for a text that stays. */
  readonly #textOf: (error: OpenCodeError) => string | undefined;
  readonly #onEnd: () => void;
  #hasEnded = false;

  constructor(
    span: Span,
    startedAt: number,
    textOf: (error: OpenCodeError) => string | undefined,
    onEnd: () => void,
  ) {
    this.#span = span;
    this.#startedAt = startedAt;
    this.#textOf = textOf;
    this.#onEnd = onEnd;
  }

  get traceparent(): string | undefined {
    return formatTraceparent(this.#span.spanContext());
  }

  asked(at: number, permission: string): void {
    this.#span.addEvent(SPAN_EVENT.PERMISSION_ASKED, { [ORCHESTRA.PERMISSION_NAME]: permission }, hrTime(at));
  }

  replied(at: number, permission: string, reply: string): void {
    const attributes = { [ORCHESTRA.PERMISSION_NAME]: permission, [ORCHESTRA.PERMISSION_REPLY]: reply };
    this.#span.addEvent(SPAN_EVENT.PERMISSION_REPLIED, attributes, hrTime(at));
  }

  retried(at: number, attempt: number): void {
    this.#span.addEvent(SPAN_EVENT.RETRY, { [ORCHESTRA.RETRY_ATTEMPT]: attempt }, hrTime(at));
  }

  end({ at, error, isCanceled = false, attributes = {} }: CallEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
    this.#span.setAttributes(attributes);
    if (isCanceled) this.#span.setAttribute(ORCHESTRA.OPERATION_CANCELED, true);
    if (error !== undefined) {
      this.#span.setAttribute(GENERAL.ERROR_TYPE, error.name);
      // What a tool or a model complains of may quote what it was given.
      const message = this.#textOf(error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
    }
    // A clock that was set back must not yield an end before the start.
    this.#span.end(hrTime(Math.max(at, this.#startedAt)));
  }
}

function callerAttributes({ jobId, agent, sessionId, conversationId }: Caller): Attributes {
  return {
    [ORCHESTRA.JOB_ID]: jobId,
    [ORCHESTRA.SESSION_ID]: sessionId,
    [GEN_AI.AGENT_NAME]: agent,
    [GEN_AI.CONVERSATION_ID]: conversationId,
    [GENERAL.SESSION_ID]: conversationId,
  };
}
