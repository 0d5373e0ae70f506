import type { Attributes } from "@opentelemetry/api";
import { GEN_AI, ORCHESTRA } from "../semconv.ts";
import type { StepFact } from "./opencode-facts.ts";
import { isAbort, type Outcome } from "./opencode-outcome.ts";
import type { CallSpan } from "./opencode-spans.ts";

/** Opens the span of a call of the model. */
export type OpenChat = (call: { at: number; model: string; provider: string }) => CallSpan | undefined;

/** One call of the model, and what came of the tools that it asked for. */
export class Step {
  readonly messageId: string;
  readonly #openChat: OpenChat;
  #fact: StepFact;
  #span: CallSpan | undefined;
  /** When the model was last heard of; the message stays open until its tools are done. */
  #spokeAt: number | undefined;
  /** A tool that it asked for has been started. */
  hasTools = false;
  hasResult = false;
  isRejected = false;

  constructor(fact: StepFact, openChat: OpenChat) {
    this.messageId = fact.messageId;
    this.#fact = fact;
    this.#openChat = openChat;
  }

  get isComplete(): boolean {
    return this.#fact.completedAt !== undefined;
  }

  get finish(): string | undefined {
    return this.#fact.finish;
  }

  get traceparent(): string | undefined {
    return this.#span?.traceparent;
  }

  /** The request is on its way; what came before was preparation. */
  request(at: number): void {
    this.#open(at);
  }

  speak(at: number): void {
    this.#spokeAt = at;
  }

  retry(at: number, attempt: number): void {
    this.#open(this.#fact.createdAt)?.retried(at, attempt);
  }

  update(fact: StepFact): void {
    if (this.isComplete) return;
    this.#fact = fact;
    const { completedAt, error } = fact;
    if (completedAt === undefined || (this.#span === undefined && !isOfModel(fact))) return;
    this.#open(fact.createdAt)?.end({
      at: this.hasTools ? (this.#spokeAt ?? completedAt) : completedAt,
      error: error && !isAbort(error) ? error : undefined,
      isCanceled: error ? isAbort(error) : fact.finish === undefined,
      attributes: usageOf(fact),
    });
  }

  /** The model was called again: this call was over, though its end was not told of. */
  leave(at: number): void {
    this.#span?.end({ at: this.#spokeAt ?? at });
  }

  /** The run has ended, whether this call has or not. */
  end(at: number, outcome: Outcome): void {
    const error = outcome.kind === "failed" ? outcome.error : undefined;
    // What was cut off are its tools.
    const hasSpoken = this.hasTools && error === undefined;
    const isCanceled = error === undefined && !hasSpoken;
    this.#span?.end({ at: hasSpoken ? (this.#spokeAt ?? at) : at, error, isCanceled });
  }

  #open(at: number): CallSpan | undefined {
    const { model, provider } = this.#fact;
    this.#span ??= this.#openChat({ at, model, provider });
    return this.#span;
  }
}

/** Commands of the user's own are told of in messages like the model's. */
function isOfModel({ outputTokens = 0, error }: StepFact): boolean {
  return outputTokens > 0 || error !== undefined;
}

function usageOf({ inputTokens, outputTokens, cost }: StepFact): Attributes {
  return {
    ...(inputTokens !== undefined && { [GEN_AI.USAGE_INPUT_TOKENS]: inputTokens }),
    ...(outputTokens !== undefined && { [GEN_AI.USAGE_OUTPUT_TOKENS]: outputTokens }),
    ...(cost !== undefined && { [ORCHESTRA.USAGE_COST]: cost }),
  };
}
