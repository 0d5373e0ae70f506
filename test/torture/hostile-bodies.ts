import { EVENT_EXAMPLES } from "../fixtures/event-examples.ts";
import { mutated, someBytes, someText, TEXTS } from "./hostile-texts.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface HostileBody {
  type: string;
  bytes: Buffer;
}

type Json = Record<string, unknown>;

const TYPES = Object.keys(EVENT_EXAMPLES) as (keyof typeof EVENT_EXAMPLES)[];
const ENVELOPE = ["version", "id", "type", "timestamp", "data", "source", "traceparent"];
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53 + 2,
  0.1,
  [],
  {},
  [[]],
  { length: 1 },
  { toString: 1, valueOf: null },
  { $gt: "" },
];

/** Makes bodies for `POST /v1/events`, many of them good, and no two events with one id unless on purpose. */
export class HostileBodies {
  readonly #random: SeededRandom;
  readonly #prefix: string;
  #made = 0;

  /** @param prefix begins the ids of its events */
  constructor(random: SeededRandom, prefix: string) {
    this.#random = random;
    this.#prefix = prefix;
  }

  next(): HostileBody {
    const random = this.#random;
    const isLines = random.chance(0.4);
    const lines = Array.from({ length: isLines ? random.between(0, 6) : 1 }, () => this.#line());
    const separator = random.pick(["\n", "\n", "\r\n", "\n\n", "\r", " "]);
    const whole = Buffer.from(lines.join(isLines ? separator : ""));
    const bytes = random.chance(0.1) ? mutated(random, whole) : whole;
    const type = isLines ? "application/x-ndjson" : "application/json";
    return { type: random.chance(0.03) ? this.#contentType() : type, bytes };
  }

  /** A body for the end of a job. */
  cancel(): Buffer {
    const random = this.#random;
    const reason = random.pick<unknown>([someText(random), ...STRANGE]);
    const body = random.pick<unknown>([
      { reason },
      { reason, __proto__: null },
      {},
      [],
      reason,
      { reasons: 1 },
    ]);
    const bytes = Buffer.from(JSON.stringify(body));
    return random.chance(0.2) ? random.pick([mutated(random, bytes), someBytes(random, 20)]) : bytes;
  }

  #line(): string {
    const random = this.#random;
    const event = this.#event();
    if (random.chance(0.55)) return JSON.stringify(event);
    const roll = random.between(0, 9);
    if (roll === 0) return deep(random.pick([100, 5_000, 100_000]), random.chance(0.5));
    if (roll === 1) return JSON.stringify(event).replace('"data":{', `"data":{"x":${deep(500, true)},`);
    if (roll === 2) return withPrototypes(JSON.stringify(event));
    if (roll === 3) return JSON.stringify(random.pick(STRANGE));
    if (roll === 4) return JSON.stringify(someText(random));
    if (roll === 5) return JSON.stringify({ ...event, padding: "x".repeat(random.between(0, 20_000)) });
    return JSON.stringify(this.#spoiled(event));
  }

  #event(): Json {
    const random = this.#random;
    const type = random.pick(TYPES);
    const data: Json = { ...EVENT_EXAMPLES[type] };
    if ("jobId" in data) data.jobId = this.#jobId();
    for (const field of ["message", "workerId", "error", "reason", "responsePreview"]) {
      if (field in data && random.chance(0.3)) data[field] = someText(random);
    }
    const id = random.chance(0.02) ? someText(random) : `${this.#prefix}-${this.#made++}`;
    return { version: 1, id, type, timestamp: 1_767_225_600_000 + this.#made, data };
  }

  /** Mostly of jobs that are there, so that their stories go on, and contradict themselves. */
  #jobId(): string {
    const random = this.#random;
    if (random.chance(0.05)) return `own-${random.between(0, 300)}`;
    if (random.chance(0.2)) return someText(random);
    return `job-${random.between(0, 20_000)}`;
  }

  #spoiled(event: Json): Json {
    const random = this.#random;
    const target = random.chance(0.4) ? event : (event.data as Json);
    const name = random.pick(random.chance(0.5) ? Object.keys(target) : [...ENVELOPE, ...TEXTS]);
    const value = random.pick<unknown>([undefined, someText(random), ...STRANGE]);
    return target === event ? { ...event, [name]: value } : { ...event, data: { ...target, [name]: value } };
  }

  #contentType(): string {
    return this.#random.pick([
      "text/plain",
      "application/json; charset=utf-16",
      "application/json;",
      "APPLICATION/JSON",
      "application/x-ndjsonx",
      "application/json, text/html",
      "multipart/form-data; boundary=x",
      "x",
      "/",
    ]);
  }
}

function deep(levels: number, isArray: boolean): string {
  return isArray
    ? "[".repeat(levels) + "]".repeat(levels)
    : `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
}

function withPrototypes(json: string): string {
  const poison = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},';
  return json.replace("{", `{${poison}`).replace('"data":{', `"data":{${poison}`);
}
