import type { PromptFact } from "./opencode-facts.ts";
import type { Run } from "./opencode-run.ts";

/** What is known of one of OpenCode's sessions. */
export interface Session {
  readonly id: string;
  /** The session whose `task` call made this one. */
  parentId: string | undefined;
  isBusy: boolean;
  /** The last message for the model that no run has taken up. */
  prompt: PromptFact | undefined;
  run: Run | undefined;
  /** The last run that ended. */
  last: Run | undefined;
}

/** Sessions by id, of which those are forgotten first in which nothing runs. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #limit: number;

  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#sessions.size;
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  get(id: string): Session {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const session: Session = {
      id,
      parentId: undefined,
      isBusy: false,
      prompt: undefined,
      run: undefined,
      last: undefined,
    };
    // Before it is there: it may be the only one in which nothing runs.
    if (this.#sessions.size >= this.#limit) this.#forgetOne();
    this.#sessions.set(id, session);
    return session;
  }

  delete(id: string): void {
    this.#sessions.delete(id);
  }

  /** Rather one that waits for nothing than one whose prompt may be a message that wants no reply. */
  #forgetOne(): void {
    const idle = [...this.#sessions.values()].filter(({ run }) => run === undefined);
    const first = idle.find(({ prompt }) => prompt === undefined) ?? idle[0];
    if (first !== undefined) this.#sessions.delete(first.id);
  }
}
