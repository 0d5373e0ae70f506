interface Entry<K, V> {
  readonly key: K;
  value: V;
  older: Entry<K, V> | undefined;
  newer: Entry<K, V> | undefined;
}

/**
 * A Map whose oldest entry is found at once: a Map that is always deleted from at its beginning keeps
 * thousands of holes there, and walks over all of them each time it is asked for its first key.
 */
export class FifoMap<K, V> {
  readonly #entries = new Map<K, Entry<K, V>>();
  #oldest: Entry<K, V> | undefined;
  #newest: Entry<K, V> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** The value that was there first. */
  get oldest(): V | undefined {
    return this.#oldest?.value;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /** A key that is there keeps its place. */
  set(key: K, value: V): void {
    const known = this.#entries.get(key);
    if (known === undefined) this.#add(key, value);
    else known.value = value;
  }

  /** A key that is there becomes the newest. */
  renew(key: K, value: V): void {
    const known = this.#entries.get(key);
    if (known === undefined) {
      this.#add(key, value);
    } else {
      known.value = value;
      this.#unlink(known);
      this.#append(known);
    }
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(entry);
  }

  deleteOldest(): void {
    if (this.#oldest !== undefined) this.#remove(this.#oldest);
  }

  clear(): void {
    this.#entries.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
  }

  /** Oldest first; the entry at hand may be deleted meanwhile. */
  *values(): Generator<V> {
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) yield entry.value;
  }

  /** What came after `key`, oldest first; undefined when `key` is not there. */
  valuesAfter(key: K): V[] | undefined {
    const known = this.#entries.get(key);
    if (known === undefined) return undefined;
    const values: V[] = [];
    for (let entry = known.newer; entry !== undefined; entry = entry.newer) values.push(entry.value);
    return values;
  }

  #add(key: K, value: V): void {
    const entry = { key, value, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
  }

  #remove(entry: Entry<K, V>): void {
    this.#entries.delete(entry.key);
    this.#unlink(entry);
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ older, newer }: Entry<K, V>): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
