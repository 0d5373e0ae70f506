import type { SeededRandom } from "./seeded-random.ts";

/** What breaks lines, frames, C strings, paths, numbers, prototypes or UTF-8 of a careless reader. */
export const TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "\r\n\r\n",
  "\n\nid: 9\nevent: orchestra.job.failed\ndata: {}\n\n",
  "data: x\r\rid: forged\r\r",
  "\u2028\u2029\u0085\ufeff",
  "\ud800",
  "\udfff\ud800",
  "\u202emoc.elpmaxe",
  "😀🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "Ⅷ ﷺ ß İ ı",
  "a\u0301".repeat(200),
  "../../../../etc/passwd",
  "..\\..\\windows",
  "%00%0d%0a",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "orchestra.job.*",
  "orchestra.*",
  "*",
  "null",
  "undefined",
  "NaN",
  "-1",
  "1e400",
  "9007199254740993",
  "0x10",
  "true",
  "[object Object]",
  "{{7*7}}",
  "$" + "{7*7}",
  "'; DROP TABLE events; --",
  "<script>alert(1)</script>",
  "\u001b[2J\u001b]0;pwned\u0007",
  "x".repeat(512),
  "x".repeat(513),
  "ü".repeat(600),
];

/** Places in the log that nobody was given. */
export const CURSORS: readonly string[] = [
  "oldest",
  "0",
  "-1",
  "1",
  "e-0",
  "00000000-5",
  "ffffffff-99999999",
  "a-9007199254740993",
  "a--1",
  "a-1-1",
  "a-1e9",
  "a-0x10",
  "a-00000000000000000000000001",
  "a-NaN",
  "-",
  ".",
  "x".repeat(64),
  "x".repeat(65),
  "x".repeat(15_000),
];

export function someText(random: SeededRandom): string {
  const text = random.pick(TEXTS);
  return random.chance(0.3) ? text + random.pick(TEXTS) : text;
}

/** Any bytes. */
export function someBytes(random: SeededRandom, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.between(0, most) }, () => random.between(0, 255)));
}

/** Another text with a few of its characters changed, lost, or repeated. */
export function mutated(random: SeededRandom, bytes: Buffer): Buffer {
  const pieces = [bytes];
  for (let left = random.between(1, 4); left > 0; left--) {
    const whole = pieces.pop() as Buffer;
    const at = random.between(0, whole.length);
    const to = Math.min(whole.length, at + random.between(0, 8));
    const middle = random.pick([Buffer.alloc(0), someBytes(random, 4), whole.subarray(at, to)]);
    const rest = random.pick([whole.subarray(at), whole.subarray(to)]);
    pieces.push(Buffer.concat([whole.subarray(0, at), middle, rest]));
  }
  return pieces[0] as Buffer;
}
