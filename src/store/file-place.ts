import { type Stats, statSync } from "node:fs";
import { resolve } from "node:path";

export interface FilePlaceOptions {
  /** Milliseconds between two looks. */
  intervalMs: number;
  /** Told once. */
  onLeft: () => void;
}

/** Whether the file that was opened is still what lies at its path: nothing else tells who has it open. */
export class FilePlace {
  readonly #file: string;
  readonly #opened: Stats | undefined;
  readonly #onLeft: () => void;
  readonly #timer: NodeJS.Timeout;
  #wasTold = false;
  #isLeft = false;

  constructor(file: string, { intervalMs, onLeft }: FilePlaceOptions) {
    // The process may go to another folder.
    this.#file = resolve(file);
    this.#opened = statSync(file, { throwIfNoEntry: false });
    this.#onLeft = onLeft;
    this.#timer = setInterval(() => this.#look(), intervalMs).unref();
  }

  /** Whether it was moved, deleted or replaced, when we last looked; no longer once it is back. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#isLeft = !this.#isThere();
    if (!this.#isLeft || this.#wasTold) return;
    this.#wasTold = true;
    this.#onLeft();
  }

  #isThere(): boolean {
    try {
      const found = statSync(this.#file, { throwIfNoEntry: false });
      return found?.ino === this.#opened?.ino && found?.dev === this.#opened?.dev;
    } catch {
      // A folder that may not be looked into tells nothing of the file.
      return !this.#isLeft;
    }
  }
}
