import { FifoMap } from "../fifo-map.ts";
import { RateLimitError } from "./http-error.ts";
import { type Allowance, TokenBucket } from "./token-bucket.ts";

export interface RateLimitOptions {
  /** Of each source. */
  each: Allowance;
  /** Of all of them together. */
  all: Allowance;
  /** In milliseconds. */
  now: () => number;
}

/** Sources that are told apart; the one that was silent for longest is forgotten first. */
const MAX_SOURCES = 1_000;

/** Counts what is done by whom. What a source may still do is not told to another. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #all: TokenBucket;
  readonly #sources = new FifoMap<string, TokenBucket>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
    this.#all = new TokenBucket(options.all, options.now());
  }

  /** Sources that are remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /** @throws RATE_LIMITED when a source, or all together, have done it too often */
  take(source: string): void {
    const now = this.#options.now();
    const own = this.#bucketOf(source, now);
    const waitMs = own.waitMs(now) || this.#all.waitMs(now);
    if (waitMs > 0) throw new RateLimitError(waitMs);
    own.take(now);
    this.#all.take(now);
  }

  /** @throws RATE_LIMITED when a source itself has done it too often */
  check(source: string): void {
    const now = this.#options.now();
    const waitMs = this.#sources.get(source)?.waitMs(now) ?? 0;
    if (waitMs > 0) throw new RateLimitError(waitMs);
  }

  #bucketOf(source: string, now: number): TokenBucket {
    const bucket = this.#sources.get(source) ?? new TokenBucket(this.#options.each, now);
    this.#sources.renew(source, bucket);
    if (this.#sources.size > MAX_SOURCES) this.#sources.deleteOldest();
    return bucket;
  }
}
