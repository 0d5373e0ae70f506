import { context, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Job, JobEventKind } from "../job/job.ts";
import { TRACEPARENT } from "../job/traceparent.ts";
import type {
  OpenCodeFact,
  PromptFact,
  SessionFact,
  StatusFact,
  StepFact,
  TaskFact,
  ToolFact,
} from "./opencode-facts.ts";
import { ABORT_REASON, type Outcome, outcomeOf, REJECTED } from "./opencode-outcome.ts";
import { Run, type RunBook } from "./opencode-run.ts";
import { type Session, Sessions } from "./opencode-sessions.ts";

export interface OpenCodeJobsOptions extends RunBook {
  /** W3C trace context of an open job's span. */
  traceparentOf: (jobId: string) => string | undefined;
  /** W3C trace context that prompts without one of their own belong to. */
  traceparent?: string | undefined;
  /** Make a job of each prompt, and not only of subagents. Default: true. */
  prompts?: boolean | undefined;
  /** Let prompts and answers into the jobs. Default: false. */
  captureContent?: boolean | undefined;
  /** Stops what runs in a session, as its job was canceled by somebody else. */
  abort?: ((sessionId: string) => void) | undefined;
}

/** The end of what began somewhere else in a run that has ended of itself. */
const LEFT: Outcome = { kind: "canceled", reason: "its parent has ended" };

/**
 * Makes jobs of what OpenCode tells of, in the order in which it tells it. A session runs one thing at a
 * time: from a prompt that it takes up, or the `task` call that it was made for, until it is idle. That is
 * a job. What is told of a run after its end changes nothing, nor what was never seen to begin.
 */
export class OpenCodeJobs {
  readonly #options: OpenCodeJobsOptions;
  readonly #captureContent: boolean;
  readonly #sessions = new Sessions();
  readonly #runs = new Map<string, Run>();
  readonly #leave: () => void;

  constructor(options: OpenCodeJobsOptions) {
    this.#options = options;
    this.#captureContent = options.captureContent ?? false;
    this.#leave = options.registry.onJobEvent((job, kind) => this.#follow(job, kind));
  }

  /** Jobs that have not ended. */
  get open(): number {
    return this.#runs.size;
  }

  apply(fact: OpenCodeFact): void {
    // A job's span is not to be the child of what OpenCode's own tracing has active.
    context.with(ROOT_CONTEXT, () => this.#apply(fact));
  }

  /** To be handed to the model that a session talks to. */
  chatTraceparent(sessionId: string): string | undefined {
    const run = this.#sessions.find(sessionId)?.run;
    return run && (run.chatTraceparent ?? this.#options.traceparentOf(run.jobId));
  }

  /** To be handed to the process that a tool starts. */
  toolTraceparent(sessionId: string, callId: string): string | undefined {
    const run = this.#sessions.find(sessionId)?.run;
    return run && (run.toolTraceparent(callId) ?? this.#options.traceparentOf(run.jobId));
  }

  /** Cancels what has not ended, and follows nothing more. Idempotent. */
  close(reason: string, at: number): void {
    // Those below first, so that each ends for this reason.
    for (const run of [...this.#runs.values()].reverse()) this.#end(run, at, { kind: "canceled", reason });
    this.#leave();
  }

  #apply(fact: OpenCodeFact): void {
    const session = this.#sessions.get(fact.sessionId);
    switch (fact.kind) {
      case "prompt":
        this.#prompt(session, fact);
        break;
      case "busy":
      case "retry":
      case "idle":
        this.#status(session, fact);
        break;
      case "created":
      case "deleted":
        this.#session(session, fact);
        break;
      case "step":
        this.#step(session, fact);
        break;
      case "tool":
        this.#tool(session, fact);
        break;
      default:
        session.run?.hear(fact);
    }
  }

  #session(session: Session, { kind, at, parentId }: SessionFact): void {
    if (kind === "created") {
      session.parentId = parentId;
      return;
    }
    if (session.run) this.#end(session.run, at, { kind: "canceled", reason: "session deleted" });
    this.#sessions.delete(session.id);
  }

  #prompt(session: Session, fact: PromptFact): void {
    // A subagent's prompt is its task, not a job of its own.
    if (session.run?.isTask && session.run.messageId === undefined) session.run.messageId = fact.messageId;
    else session.prompt = fact;
  }

  #status(session: Session, { kind, at, attempt = 1, message = "" }: StatusFact): void {
    session.isBusy = kind !== "idle";
    const { run } = session;
    if (kind === "retry") run?.retry(at, attempt, message);
    else if (kind === "busy") this.#busy(session);
    else if (run !== undefined) this.#end(run, at, outcomeOf(run.state));
  }

  #busy(session: Session): void {
    if (session.run !== undefined) return;
    const task = this.#taskWithout(session);
    if (task !== undefined) this.#bind(task, session);
    // Without a prompt it is not known yet what begins.
    else if (session.prompt !== undefined) this.#begin(session, session.prompt);
  }

  #step(session: Session, fact: StepFact): void {
    const { run, prompt, last } = session;
    const isNext = prompt !== undefined && prompt.messageId === fact.promptId;
    if (run === undefined) {
      // What was running before may still be told of.
      if (!session.isBusy || fact.completedAt !== undefined || last?.messageId === fact.promptId) return;
      if (fact.promptId === "") return;
      this.#begin(session, isNext ? prompt : promptOf(fact));
    } else if (isNext && !run.isTask) {
      // The session went on with what came in meanwhile.
      this.#end(run, fact.at, outcomeOf(run.state));
      this.#begin(session, prompt);
    } else if (isNext) {
      // A subagent at work takes up what it is told in between.
      session.prompt = undefined;
    } else if (last?.messageId !== undefined && last.messageId === fact.promptId) {
      return;
    }
    session.run?.step(fact);
  }

  #begin(session: Session, prompt: PromptFact): void {
    const { registry, clock, prompts = true, traceparent } = this.#options;
    session.prompt = undefined;
    const { messageId: id, agent, text } = prompt;
    const own = valid(prompt.traceparent);
    // What is told late has been a job already.
    if (registry.get(id) !== undefined) return;
    const book = prompts ? this.#options : undefined;
    const created = { id, workerId: agent, sessionId: session.id };
    if (book !== undefined) {
      const message = this.#captureContent ? text : placeholder(text);
      // OpenCode's own prompts come of what ran here before.
      const parentJobId = prompt.isSynthetic && session.last?.isTold ? session.last.jobId : undefined;
      const context = own ?? (parentJobId === undefined ? valid(traceparent) : undefined);
      clock.at(prompt.createdAt, () =>
        registry.create({ ...created, message, parentJobId, traceparent: context }),
      );
    }
    const run = new Run({
      book,
      jobId: id,
      agent,
      sessionId: session.id,
      conversationId: session.id,
      messageId: id,
      isTask: false,
      traceparent: own,
    });
    this.#runs.set(id, run);
    session.run = run;
  }

  #tool(session: Session, fact: ToolFact): void {
    const { run } = session;
    const task = run?.tasks.get(fact.partId);
    if (run !== undefined && fact.task !== undefined && task === undefined && run.isAt(fact.messageId)) {
      this.#beginTask(run, session, fact, fact.task);
    }
    run?.tool(fact);
    if (fact.task === undefined) return;
    const isRejected = run?.isRejected(fact.callId) ?? false;
    this.#followTask(this.#runs.get(fact.partId), fact, { ...fact.task, isRejected });
  }

  #beginTask(parent: Run, session: Session, fact: ToolFact, { agent, description }: TaskFact): void {
    const { registry, clock } = this.#options;
    const id = fact.partId;
    if (registry.get(id) !== undefined) return;
    const parentJobId = parent.isTold ? parent.jobId : undefined;
    const traceparent = parent.isTold ? undefined : (parent.traceparent ?? valid(this.#options.traceparent));
    const message = description;
    const input = { id, workerId: agent, sessionId: session.id, parentJobId, message, traceparent };
    clock.at(fact.startedAt ?? fact.at, () => registry.create(input));
    const run = new Run({ book: this.#options, jobId: id, agent, sessionId: session.id, isTask: true });
    this.#runs.set(id, run);
    parent.tasks.set(id, run);
  }

  #followTask(
    task: Run | undefined,
    fact: ToolFact,
    { childId, isBackground, isRejected }: TaskFact & { isRejected: boolean },
  ): void {
    if (task === undefined) return;
    if (childId !== undefined && task.conversationId === undefined)
      this.#bind(task, this.#sessions.get(childId));
    if (fact.status !== "completed" && fact.status !== "error") return;
    task.isDetached = isBackground && fact.status === "completed";
    const child = task.conversationId === undefined ? undefined : this.#sessions.find(task.conversationId);
    // How a subagent that is still at work ends is told by its own session.
    if (task.isDetached || (child?.run === task && child.isBusy)) return;
    const error = { name: "tool_error", message: fact.error ?? "" };
    const failed: Outcome = isRejected ? REJECTED : { kind: "failed", error };
    this.#end(task, fact.endedAt ?? fact.at, fact.status === "error" ? failed : { kind: "succeeded" });
  }

  /** The oldest subagent of the parent session that has no session yet. */
  #taskWithout({ parentId }: Session): Run | undefined {
    const parent = parentId === undefined ? undefined : this.#sessions.find(parentId)?.run;
    return [...(parent?.tasks.values() ?? [])].find(
      (task) => !task.hasEnded && task.conversationId === undefined,
    );
  }

  #bind(task: Run, session: Session): void {
    task.conversationId = session.id;
    // One that a subagent is asked to go on in while it is at work has one end for both.
    if (session.run !== undefined) return;
    session.run = task;
    task.messageId = session.prompt?.messageId;
    session.prompt = undefined;
  }

  #end(run: Run, at: number, outcome: Outcome): void {
    if (run.hasEnded) return;
    this.#forget(run, at, outcome);
    run.end(at, outcome, { captureContent: this.#captureContent });
  }

  /** Takes a run out of its session, and ends what it leaves behind. */
  #forget(run: Run, at: number, outcome: Outcome): void {
    this.#runs.delete(run.jobId);
    const session = run.conversationId === undefined ? undefined : this.#sessions.find(run.conversationId);
    if (session?.run === run) {
      session.run = undefined;
      session.last = run;
    }
    const left = outcome.kind === "canceled" ? outcome : LEFT;
    for (const task of run.tasks.values()) if (!task.isDetached) this.#end(task, at, left);
    run.tasks.clear();
  }

  /** A job that somebody else ended, such as from the bridge. */
  #follow({ id, reason = ABORT_REASON, finishedAt }: Readonly<Job>, kind: JobEventKind): void {
    const run = kind === "canceled" ? this.#runs.get(id) : undefined;
    if (run === undefined || run.hasEnded) return;
    // By then the clock may have gone on, and what belongs to a job must not end after it.
    const at = finishedAt ?? this.#options.clock.now();
    const canceled: Outcome = { kind: "canceled", reason };
    this.#forget(run, at, canceled);
    run.close(at, canceled);
    if (run.conversationId !== undefined) this.#options.abort?.(run.conversationId);
  }
}

/** A run that begins without a prompt: a command of the user's own, or a compaction. */
function promptOf({ promptId, agent, at, sessionId, createdAt }: StepFact): PromptFact {
  const told = { kind: "prompt", at, sessionId, agent, createdAt } as const;
  return { ...told, messageId: promptId, text: "", isSynthetic: false, traceparent: undefined };
}

function valid(traceparent: string | undefined): string | undefined {
  return traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : undefined;
}

/** Stands for a text that stays private. */
function placeholder(text: string): string {
  return text === "" ? "run without a prompt" : `prompt of ${text.length} characters`;
}
