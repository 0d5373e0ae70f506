import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { loadObjection } from "../data-file.ts";
import { isDamaged, verify } from "../store/damage.ts";
import { openReadOnly } from "../store/read-only.ts";
import { bytesText } from "./amount.ts";
import { contentsFindings } from "./doctor-contents.ts";
import type { Finding } from "./doctor-finding.ts";
import { readContents } from "./doctor-tables.ts";

/** With less than this left on the disk, writing will soon fail. */
const LITTLE_SPACE = 100_000_000;

/** Looks into the data file, and changes nothing in it. */
export async function examineDataFile(
  dataFile: string | undefined,
  { cwd, now }: { cwd: string; now: () => number },
): Promise<Finding[]> {
  if (dataFile === undefined) {
    return [finding("note", "None: events and spans are in memory, and gone with the process")];
  }
  const file = resolve(cwd, dataFile);
  const around = [...permissionFindings(file), ...spaceFindings(file), ...asideFindings(file)];
  if (!existsSync(file)) {
    return [finding("note", `${file} is not there yet: the first start makes it`, { file }), ...around];
  }
  return [...(await examineFile(file, now())), ...around];
}

function finding(status: Finding["status"], text: string, facts?: Finding["facts"]): Finding {
  return { part: "data file", status, text, facts };
}

async function examineFile(file: string, now: number): Promise<Finding[]> {
  const facts = { file, bytes: sizeOf(file), journalBytes: sizeOf(`${file}-wal`) };
  const objectionTo = await loadObjection();
  try {
    const database = await openReadOnly(file);
    try {
      verify(database, file);
      const objection = objectionTo(database);
      if (objection !== undefined) return [finding("broken", `${file} cannot be used: ${objection}`, facts)];
      const journal = facts.journalBytes === 0 ? "" : ` and a journal of ${bytesText(facts.journalBytes)}`;
      const sound = finding("ok", `${file} is sound: ${bytesText(facts.bytes)}${journal}`, facts);
      return [sound, ...contentsFindings(readContents(database), now)];
    } finally {
      database.close();
    }
  } catch (error) {
    return [finding("broken", faultOf(file, error), facts)];
  }
}

function faultOf(file: string, error: unknown): string {
  const { message } = error as Error;
  if (!isDamaged(error)) return `${file} cannot be read: ${message}`;
  return `${file} is corrupt (${message}): the next start keeps it aside and begins a new one`;
}

function permissionFindings(file: string): Finding[] {
  const path = existingPart(file);
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return [];
  } catch {
    return [finding("broken", `${path} cannot be written by this user`, { path })];
  }
}

function spaceFindings(file: string): Finding[] {
  const { bavail, bsize, blocks } = statfsSync(existingPart(dirname(file)));
  const freeBytes = bavail * bsize;
  // Some file systems do not tell how large they are.
  if (blocks === 0 || freeBytes >= LITTLE_SPACE) return [];
  return [finding("broken", `Its disk has only ${bytesText(freeBytes)} left`, { freeBytes })];
}

/** Copies that were found corrupt at an earlier start. */
function asideFindings(file: string): Finding[] {
  const folder = dirname(file);
  if (!existsSync(folder)) return [];
  const copies = readdirSync(folder).filter(
    (name) => name.startsWith(`${basename(file)}.corrupt-`) && !/-(wal|shm)$/.test(name),
  );
  return copies.map((name) => {
    const copy = join(folder, name);
    const bytes = sizeOf(copy);
    return finding("note", `A corrupt copy was kept aside: ${copy}, ${bytesText(bytes)}`, { copy, bytes });
  });
}

/** The path, or the nearest folder above it that there is. */
function existingPart(path: string): string {
  return existsSync(path) ? path : existingPart(dirname(path));
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
