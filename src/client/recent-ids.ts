/** Ids remembered; a repetition that is further apart is not noticed. */
const MAX_IDS = 1_000;

/** The ids of the last events, so that none is delivered twice. */
export class RecentIds {
  readonly #ids = new Set<string>();

  /** False when it was added before. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > MAX_IDS) for (const oldest of this.#ids) return this.#ids.delete(oldest);
    return true;
  }
}
