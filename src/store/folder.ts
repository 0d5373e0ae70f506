import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder, and those that it lies in, for their owner only where they are missing. Node's `recursive`
 * never comes back from where nothing can be made, such as /proc.
 * @throws what `mkdirSync` throws
 */
export function makeFolder(folder: string): void {
  const parent = dirname(folder);
  if (isFolder(folder) || parent === folder) return;
  makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have come first.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
