import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFile } from "../../../exporters/log-file.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "orchestra-log-file-"));
  path = join(directory, "jobs.log");
});
afterEach(() => rmSync(directory, { recursive: true }));

const content = () => readFileSync(path, "utf8");

test("a flush is a barrier, even for lines that came while a write was under way", async () => {
  const file = new LogFile(path);
  file.write(`${"a".repeat(70_000)}\n`);
  file.write("late\n");

  await file.flush();

  expect(content()).toBe(`${"a".repeat(70_000)}\nlate\n`);
  expect(file.stats()).toEqual({ written: 2, dropped: 0 });
  await file.close();
});

test("a single line is written by itself, soon", async () => {
  const file = new LogFile(path, { flushIntervalMs: 1 });
  file.write("one\n");

  await expect.poll(content, { interval: 1 }).toBe("one\n");
  await file.close();
});

test("flushing with nothing to write resolves", async () => {
  const file = new LogFile(path);

  await file.flush();
  await file.close();

  expect(content()).toBe("");
});

test("what waits is bounded, and what is beyond it is counted", async () => {
  const file = new LogFile(path);
  const line = `${"a".repeat(1024 * 1024 - 1)}\n`;
  // The first is being written at once; four fill the room behind it.
  for (let count = 0; count < 7; count++) file.write(line);

  await file.flush();

  expect(file.stats()).toEqual({ written: 5, dropped: 2 });
  expect(content().length).toBe(5 * line.length);
  await file.close();
});

/** Opens well and takes nothing: a pipe whose reader went away. */
function brokenFile(): LogFile {
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const file = new LogFile(path);
  closeSync(reader);
  return file;
}

test("lines that cannot be written are counted", async () => {
  const file = brokenFile();
  file.write("lost\n");

  await file.flush();

  expect(file.stats()).toEqual({ written: 0, dropped: 1 });
  await file.close();
});

test("after the close a line is counted as dropped, and a second close changes nothing", async () => {
  const file = new LogFile(path);
  file.write("one\n");

  await Promise.all([file.close(), file.close()]);
  file.write("two\n");

  expect(content()).toBe("one\n");
  expect(file.stats()).toEqual({ written: 1, dropped: 1 });
});

/** What the file hung on the process's exit, without ending this process. */
function exitHookOf(open: () => LogFile): { file: LogFile; exit: () => void } {
  const before = new Set(process.listeners("exit"));
  const file = open();
  const [hook] = process.listeners("exit").filter((listener) => !before.has(listener));
  return { file, exit: () => hook?.call(process, 0) };
}

test("a process that exits without closing loses nothing", async () => {
  const { file, exit } = exitHookOf(() => new LogFile(path));
  file.write("last words\n");

  exit();

  expect(content()).toBe("last words\n");
  expect(file.stats()).toEqual({ written: 1, dropped: 0 });
  await file.close();
});

test("an exit at which nothing can be written is counted, not thrown", async () => {
  const { file, exit } = exitHookOf(brokenFile);
  file.write("lost\n");

  exit();

  expect(file.stats()).toEqual({ written: 0, dropped: 1 });
  await file.close();
});

test("closing takes the hook off the process", async () => {
  const before = process.listenerCount("exit");
  const file = new LogFile(path);

  await file.close();

  expect(process.listenerCount("exit")).toBe(before);
});
