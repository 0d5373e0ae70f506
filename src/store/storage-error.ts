/** Primary result codes: https://sqlite.org/rescode.html */
const ERROR = 1;
const BUSY = 5;
const LOCKED = 6;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** The primary result code of an SQLite error of either runtime; undefined for any other error. */
function resultCode(error: unknown): number | undefined {
  const { errcode, errno } = Object(error) as { errcode?: unknown; errno?: unknown };
  const code = errcode ?? errno;
  // Those of the operating system are negative.
  return typeof code === "number" && code > 0 ? code & 0xff : undefined;
}

/** Whether another process held on to the file for too long. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** Whether what the file holds makes no sense (any more). */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error);
  return code === CORRUPT || code === NOT_A_DATABASE || (code === ERROR && hasOddFormat(error));
}

/** There is one format since 2006, so a file of another is one whose head is damaged; SQLite has no code for it. */
function hasOddFormat(error: unknown): boolean {
  return (error as Error).message.includes("unsupported file format");
}

/** Of the operating system, when files and folders are made. */
const DISK_TROUBLE = new Set<unknown>(["ENOSPC", "EDQUOT", "EIO"]);

/** Whether the disk takes no more, or fails. One that is full also fails to share memory: SQLite keeps that in a file. */
export function isDiskTrouble(error: unknown): boolean {
  const code = resultCode(error);
  return code === IO_ERROR || code === FULL || DISK_TROUBLE.has((Object(error) as { code?: unknown }).code);
}
