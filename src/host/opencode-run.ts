import type { JobProgressInput } from "../job/job-input.ts";
import type { EventClock } from "./opencode-clock.ts";
import type {
  ErrorFact,
  OpenCodeError,
  PermissionFact,
  PermissionReplyFact,
  RequestFact,
  StepFact,
  TextFact,
  ToolFact,
} from "./opencode-facts.ts";
import type { Outcome, RunState } from "./opencode-outcome.ts";
import type { RunRegistry } from "./opencode-registry.ts";
import type { CallSpan, OpenCodeSpans } from "./opencode-spans.ts";
import { Step } from "./opencode-step.ts";

/** Where a run is told of. */
export interface RunBook {
  registry: RunRegistry;
  spans: OpenCodeSpans;
  clock: EventClock;
}

export interface RunOptions {
  /** Undefined for a run that nobody is told of, but which may have others below it. */
  book: RunBook | undefined;
  jobId: string;
  agent: string;
  /** The session that the job is part of. */
  sessionId: string;
  /** The session that it runs in; undefined until a subagent has one. */
  conversationId?: string | undefined;
  /** The user message that it answers; undefined until it is known. */
  messageId?: string | undefined;
  isTask: boolean;
  /** W3C trace context for what is below a run that nobody is told of. */
  traceparent?: string | undefined;
}

/** A job: what one prompt, or one subagent, sets going in a session until that is idle again. */
export class Run {
  readonly jobId: string;
  readonly isTask: boolean;
  conversationId: string | undefined;
  messageId: string | undefined;
  /** It goes on when the run that began it has ended. */
  isDetached = false;
  /** Runs of subagents that it began, by the part that tells of their call. */
  readonly tasks = new Map<string, Run>();
  readonly #options: RunOptions;
  readonly #tools = new Map<string, { span: CallSpan | undefined; callId: string }>();
  /** Parts of the current step whose calls have ended. */
  readonly #done = new Set<string>();
  readonly #asked = new Map<string, PermissionFact>();
  /** Calls that were not allowed. */
  readonly #rejected = new Set<string>();
  #step: Step | undefined;
  #error: OpenCodeError | undefined;
  #answer: string | undefined;
  #steps = 0;
  #calls = 0;
  #hasEnded = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.jobId = options.jobId;
    this.isTask = options.isTask;
    this.conversationId = options.conversationId;
    this.messageId = options.messageId;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether it is told of as a job. */
  get isTold(): boolean {
    return this.#options.book !== undefined;
  }

  get traceparent(): string | undefined {
    return this.#options.traceparent;
  }

  /** What is known of how it ends. */
  get state(): RunState {
    return { error: this.#error, step: this.#step };
  }

  /** W3C trace context of the call of the model that is under way. */
  get chatTraceparent(): string | undefined {
    return this.#step?.traceparent;
  }

  /** The same of a tool that is running. */
  toolTraceparent(callId: string): string | undefined {
    return [...this.#tools.values()].find((tool) => tool.callId === callId)?.span?.traceparent;
  }

  /** Whether a call was not allowed. */
  isRejected(callId: string): boolean {
    return this.#rejected.has(callId);
  }

  /** Whether a message is the model's current one in this run. */
  isAt(messageId: string): boolean {
    return this.#step?.messageId === messageId;
  }

  /** What happens to it, but for its calls. */
  hear(fact: ErrorFact | RequestFact | TextFact | PermissionFact | PermissionReplyFact): void {
    if (fact.kind === "error") this.#error ??= fact.error;
    else if (fact.kind === "request") this.#step?.request(fact.at);
    else if (fact.kind === "text") this.#speak(fact);
    else if (fact.kind === "permission") this.#ask(fact);
    else this.#reply(fact);
  }

  step(fact: StepFact): void {
    if (this.#step?.messageId === fact.messageId) {
      this.#step.update(fact);
      this.#error ??= fact.error;
      return;
    }
    // What is heard of first when it is over belongs to a run that has ended.
    if (fact.completedAt !== undefined) return;
    this.#step?.leave(fact.at);
    this.#done.clear();
    // The session got over it, such as by a compaction.
    this.#error = undefined;
    this.#step = new Step(fact, (call) => this.#book?.spans.chat(this.#caller, call));
    this.#steps++;
    this.#progress(fact.at, { message: `step ${this.#steps}`, stage: "step" });
  }

  retry(at: number, attempt: number, message: string): void {
    this.#step?.retry(at, attempt);
    this.#progress(at, { message: `retry ${attempt}: ${message}`, stage: "retry" });
  }

  tool(fact: ToolFact): void {
    if (this.#done.has(fact.partId)) return;
    const known = this.#tools.get(fact.partId);
    if (known === undefined && !this.isAt(fact.messageId)) return;
    if (known === undefined) this.#step?.speak(fact.at);
    if (fact.status === "pending") return;
    const tool = known ?? this.#openTool(fact);
    if (fact.status === "running") return;
    this.#tools.delete(fact.partId);
    this.#done.add(fact.partId);
    if (this.isAt(fact.messageId) && this.#step !== undefined)
      this.#step.hasResult ||= fact.status === "completed";
    const error = fact.status === "error" ? { name: "tool_error", message: fact.error ?? "" } : undefined;
    tool.span?.end({ at: fact.endedAt ?? fact.at, error });
  }

  /** Ends the job and what is still open below it. Idempotent. */
  end(at: number, outcome: Outcome, { captureContent }: { captureContent: boolean }): void {
    if (this.#hasEnded) return;
    const responseText = captureContent ? this.#answer : undefined;
    this.close(at, outcome);
    const { jobId } = this;
    this.#book?.clock.at(at, () => {
      const registry = this.#book?.registry;
      if (outcome.kind === "succeeded") registry?.setResult(jobId, { responseText });
      else if (outcome.kind === "canceled") registry?.cancel(jobId, { reason: outcome.reason });
      else registry?.setError(jobId, { error: outcome.error.message, errorType: outcome.error.name });
    });
  }

  /** The same for a job that was ended by others. */
  close(at: number, outcome: Outcome): void {
    this.#hasEnded = true;
    for (const { span } of this.#tools.values()) span?.end({ at, isCanceled: true });
    this.#tools.clear();
    this.#step?.end(at, outcome);
  }

  #speak({ at, messageId, text }: TextFact): void {
    if (!this.isAt(messageId)) return;
    this.#step?.speak(at);
    if (text) this.#answer = text;
  }

  #ask(fact: PermissionFact): void {
    this.#asked.set(fact.requestId, fact);
    this.#spanOfCall(fact.callId)?.asked(fact.at, fact.permission);
    this.#progress(fact.at, { message: `waiting for permission: ${fact.permission}`, stage: "permission" });
  }

  #reply({ at, requestId, reply }: PermissionReplyFact): void {
    const asked = this.#asked.get(requestId);
    if (asked === undefined) return;
    this.#asked.delete(requestId);
    if (reply === "reject") {
      if (this.#step !== undefined) this.#step.isRejected = true;
      if (asked.callId !== undefined) this.#rejected.add(asked.callId);
    }
    this.#spanOfCall(asked.callId)?.replied(at, asked.permission, reply);
    this.#progress(at, { message: `permission ${asked.permission}: ${reply}`, stage: "permission" });
  }

  get #book(): RunBook | undefined {
    return this.#options.book;
  }

  get #caller() {
    const { jobId, agent, sessionId } = this.#options;
    return { jobId, agent, sessionId, conversationId: this.conversationId ?? sessionId };
  }

  #openTool({ partId, callId, tool, startedAt, at }: ToolFact) {
    const span = this.#book?.spans.tool(this.#caller, { at: startedAt ?? at, tool, callId });
    const opened = { span, callId };
    if (this.#step !== undefined) this.#step.hasTools = true;
    this.#tools.set(partId, opened);
    this.#calls++;
    this.#progress(at, { message: tool, stage: "tool", current: this.#calls, unit: "tools" });
    return opened;
  }

  #spanOfCall(callId: string | undefined): CallSpan | undefined {
    return [...this.#tools.values()].find((tool) => tool.callId === callId)?.span;
  }

  #progress(at: number, progress: JobProgressInput): void {
    this.#book?.clock.at(at, () => this.#book?.registry.updateProgress(this.jobId, progress));
  }
}
