import { lstatSync, type Stats } from "node:fs";

/** What is here may have been put here, or be read, by somebody else. */
export class ExposedPathError extends Error {
  override readonly name = "ExposedPathError";
}

/**
 * Makes sure that nobody but us can read or replace what is at `path`: ours, open to no one else, and no
 * symbolic link, which would lead elsewhere. Where there are no user ids, only the kind is looked at.
 * @throws ExposedPathError; what the file system throws, `ENOENT` among it
 */
export function requirePrivate(path: string, kind: "directory" | "file"): Stats {
  const stats = lstatSync(path);
  const isKind = kind === "directory" ? stats.isDirectory() : stats.isFile();
  const fault = isKind ? exposureOf(stats) : "something else";
  if (fault === undefined) return stats;
  throw new ExposedPathError(`Expected \`${path}\` to be a ${kind} that only you can open, got ${fault}`);
}

function exposureOf({ uid, mode }: Stats): string | undefined {
  const own = process.getuid?.();
  if (own === undefined) return undefined;
  if (uid !== own) return `one of user ${uid}`;
  return (mode & 0o077) === 0 ? undefined : `mode ${(mode & 0o777).toString(8)}`;
}
