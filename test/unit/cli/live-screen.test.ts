import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveScreen } from "../../../src/cli/live-screen.ts";
import { MemoryTerminal } from "./cli-context.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const UP_AND_ERASE = (lines: number) => `\x1b[${lines}A\x1b[J`;

test("lines scroll above a footer that is redrawn in place", async () => {
  const terminal = new MemoryTerminal();
  const screen = new LiveScreen(terminal, () => ["bar 1", "bar 2"]);

  await screen.print("one");
  await vi.advanceTimersByTimeAsync(100);
  await screen.print("two");
  await vi.advanceTimersByTimeAsync(100);

  expect(terminal.text).toBe(`one\nbar 1\nbar 2\n${UP_AND_ERASE(2)}two\nbar 1\nbar 2\n`);
});

test("at most ten redraws are made in a second", async () => {
  const terminal = new MemoryTerminal();
  let draws = 0;
  const screen = new LiveScreen(terminal, () => [String(++draws)]);

  for (let ms = 0; ms < 1_000; ms++) {
    screen.refresh();
    await vi.advanceTimersByTimeAsync(1);
  }

  expect(draws).toBeGreaterThan(5);
  expect(draws).toBeLessThanOrEqual(10);
});

test("closing prints what waits and leaves nothing of the footer", async () => {
  const terminal = new MemoryTerminal();
  const screen = new LiveScreen(terminal, () => ["bar"]);
  screen.refresh();
  await vi.advanceTimersByTimeAsync(100);
  await screen.print("last");

  await screen.close();
  await screen.close();
  await vi.advanceTimersByTimeAsync(1_000);

  expect(terminal.text).toBe(`bar\n${UP_AND_ERASE(1)}last\n`);
});

test("the footer is told how wide it may be, as the window is at that moment, or as most are", async () => {
  const terminal = new MemoryTerminal({ columns: 80 });
  const widths: number[] = [];
  const screen = new LiveScreen(terminal, (columns) => {
    widths.push(columns);
    return [];
  });

  for (const columns of [100, 40, 0]) {
    terminal.columns = columns;
    screen.refresh();
    await vi.advanceTimersByTimeAsync(100);
  }

  expect(widths).toEqual([99, 39, 79]);
});

test("a burst of lines is not kept waiting for the next redraw", async () => {
  const terminal = new MemoryTerminal();
  const screen = new LiveScreen(terminal, () => []);

  for (let line = 0; line < 1_000; line++) await screen.print(String(line));

  expect(terminal.lines()).toHaveLength(1_000);
});

test("a terminal that has gone ends the printing", async () => {
  const terminal = new MemoryTerminal();
  terminal.on("error", () => {});
  terminal.destroy();
  const screen = new LiveScreen(terminal, () => ["bar"]);
  screen.refresh();
  await vi.advanceTimersByTimeAsync(100);

  await screen.print("line");
  await expect(screen.close()).rejects.toThrow();
});

test("a footer that cannot be drawn does not take the lines with it", async () => {
  const terminal = new MemoryTerminal();
  const screen = new LiveScreen(terminal, () => {
    throw new Error("no footer");
  });

  await screen.print("line");
  await vi.advanceTimersByTimeAsync(100);
  await screen.close();

  expect(terminal.text).toBe("line\n");
});
