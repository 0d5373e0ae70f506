import type { OrchestratorEvent } from "./event.ts";

/** What became of an event that was published. */
export type EventOutcome =
  /** It is in the log, and the sinks have seen it. */
  | "appended"
  /** The log held its id. */
  | "duplicate"
  /** It is lost, for one of the publisher's reasons. */
  | "append_failed"
  | "not_encodable"
  | "queue_full"
  | "closed";

export type OutcomeHandler = (outcome: EventOutcome) => void;

/** Who asked what becomes of which event. Costs nothing for the many that nobody asks about. */
export class EventOutcomes {
  readonly #onError: (error: unknown) => void;
  /** Lists, as one object may be published twice. */
  readonly #handlers = new Map<OrchestratorEvent, OutcomeHandler[]>();

  /** `onError` is told what a handler throws. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  expect(event: OrchestratorEvent, handler: OutcomeHandler): void {
    const handlers = this.#handlers.get(event);
    if (handlers === undefined) this.#handlers.set(event, [handler]);
    else handlers.push(handler);
  }

  /** From now on `event` is known as `encoded`. */
  rename(event: OrchestratorEvent, encoded: OrchestratorEvent): void {
    const handler = this.#take(event);
    if (handler !== undefined) this.expect(encoded, handler);
  }

  settle(event: OrchestratorEvent, outcome: EventOutcome): void {
    try {
      this.#take(event)?.(outcome);
    } catch (error) {
      this.#onError(error);
    }
  }

  #take(event: OrchestratorEvent): OutcomeHandler | undefined {
    if (this.#handlers.size === 0) return undefined;
    const handlers = this.#handlers.get(event);
    const handler = handlers?.shift();
    if (handlers?.length === 0) this.#handlers.delete(event);
    return handler;
  }
}
