import { closeSync, existsSync, openSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import type { SeededRandom } from "./seeded-random.ts";

type Damage = (file: string, random: SeededRandom) => void;

/** After these a file may look as if nothing had been in it, or not as much. */
export const TRACELESS: ReadonlySet<string> = new Set([
  "half of it missing",
  "empty",
  "its journal",
  "its journal missing",
]);

/** Ways in which a file that nobody has open is harmed. */
export const DAMAGES: Readonly<Record<string, Damage>> = {
  "a few bytes": (file, random) => {
    for (let count = 0; count < 32; count++) scribble(file, random, 1);
  },
  "a page": (file, random) => scribble(file, random, 4_096),
  "the first page": (file, random) => overwrite(file, noise(random, 100), 0),
  "half of it missing": (file, random) => truncateSync(file, random.between(0, statSync(file).size)),
  empty: (file) => truncateSync(file, 0),
  "no database at all": (file) => {
    truncateSync(file, 0);
    overwrite(file, Buffer.from("This is not a database, but it has a bit of text in it.\n".repeat(50)), 0);
  },
  "noise at the end": (file, random) => overwrite(file, noise(random, 10_000), statSync(file).size),
  "its journal": (file, random) => {
    if (existsSync(`${file}-wal`)) scribble(`${file}-wal`, random, 4_096);
  },
  "its journal missing": (file) => rmSync(`${file}-wal`, { force: true }),
};

function scribble(file: string, random: SeededRandom, bytes: number): void {
  const { size } = statSync(file);
  if (size > 0) overwrite(file, noise(random, bytes), random.between(0, size - 1));
}

function noise(random: SeededRandom, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, () => random.between(0, 255)));
}

function overwrite(file: string, content: Buffer, position: number): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, content, 0, content.length, position);
  closeSync(descriptor);
}
