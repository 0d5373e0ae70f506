import { expect, test } from "vitest";
import { eventLine } from "../../../src/cli/event-line.ts";
import { createOrchestratorEvent, type OrchestratorEvent } from "../../../src/event/event.ts";
import { completed, created, failed, progress } from "./job-events.ts";

const timestamp = new Date(2026, 0, 2, 14, 3, 7).getTime();
const plain = (_style: unknown, text: string) => text;
const line = (event: OrchestratorEvent) => eventLine({ ...event, timestamp } as OrchestratorEvent, plain);

test.each([
  [created({ sessionId: "1a2b3c4d5e6f" }), "14:03:07 ● build 1a2b3c4d started: compile the lexer"],
  [progress({ percent: 40 }), "14:03:07 · build 40 % compiling"],
  [completed(), "14:03:07 ✓ build completed in 1.2 s"],
  [failed(), "14:03:07 ✗ build failed after 1.2 s: exit code 3"],
  [createOrchestratorEvent("orchestra.error", { message: "no disk" }), "14:03:07 ✗ error: no disk"],
])("an event reads as one line", (event, expected) => {
  expect(line(event)).toBe(expected);
});

test("no part of an event reaches the terminal's controls", () => {
  const evil = "\x1b[2J\u009b31mx\u202e";
  const shown = line(created({ workerId: evil, sessionId: evil, message: evil }));

  expect(shown).not.toMatch(/[\p{Cc}\u202e]/u);
});

test("the mark of an end has its colour", () => {
  const paint = (style: unknown, text: string) => `<${style}>${text}</>`;

  expect(eventLine(failed(), paint)).toContain("<red>✗</>");
  expect(eventLine(completed(), paint)).toContain("<green>✓</>");
});
