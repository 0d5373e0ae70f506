import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventText, logMessage, oneLine, readableDuration } from "../../../exporters/log-text.ts";
import {
  createOrchestratorEvent,
  EVENT_TYPES,
  type OrchestratorEventDataMap,
  type OrchestratorEventType,
} from "../../../src/event/event.ts";

type Case = { [T in OrchestratorEventType]: [type: T, data: OrchestratorEventDataMap[T], message: string] };

const facts = { jobId: "j", workerId: "build", revision: 1, startedAt: 0 };
const running = { ...facts, status: "running", updatedAt: 0 } as const;
const end = { ...facts, finishedAt: 1_200, durationMs: 1_200 };
const run = { runId: "r", workflowId: "deploy", startedAt: 0, finishedAt: 2_000, durationMs: 2_000 };
const task = { ...facts, status: "running", message: "compile the lexer", messageLength: 17 } as const;

const CASES: Case[OrchestratorEventType][] = [
  ["orchestra.job.created", task, "build started: compile the lexer"],
  ["orchestra.job.created", { ...task, status: "queued" }, "build queued: compile the lexer"],
  ["orchestra.job.created", { ...task, message: "" }, "build started"],
  [
    "orchestra.job.started",
    { ...facts, status: "running", queuedMs: 340 },
    "build picked up after 340 ms in the queue",
  ],
  ["orchestra.job.progress", { ...running, message: "compiling", percent: 39.6 }, "build 39 % compiling"],
  ["orchestra.job.progress", { ...running, message: "compiling" }, "build compiling"],
  [
    "orchestra.job.progress",
    { ...running, message: "", current: 3, total: 10, unit: "files", percent: 30 },
    "build 3/10 files",
  ],
  ["orchestra.job.progress", { ...running, message: "files", current: 3, total: 10 }, "build 3/10 files"],
  ["orchestra.job.completed", { ...end, status: "succeeded" }, "build completed in 1.2 s"],
  [
    "orchestra.job.failed",
    { ...end, status: "failed", error: "exit code 3", errorType: "exit_3" },
    "build failed after 1.2 s: exit code 3",
  ],
  ["orchestra.job.canceled", { ...end, status: "canceled" }, "build canceled after 1.2 s"],
  [
    "orchestra.job.canceled",
    { ...end, status: "canceled", reason: "SIGINT" },
    "build canceled after 1.2 s: SIGINT",
  ],
  [
    "orchestra.job.reported",
    { ...facts, status: "succeeded", report: { summary: "all done" } },
    "build reported: all done",
  ],
  ["orchestra.worker.status", { worker: { id: "build" }, status: "ready" }, "build is ready"],
  [
    "orchestra.worker.status",
    { worker: { id: "build" }, status: "error", previousStatus: "busy", reason: "out of memory" },
    "build is error, was busy: out of memory",
  ],
  [
    "orchestra.worker.stream",
    { chunk: { workerId: "build", chunk: "secret", timestamp: 0 } },
    "build streamed 6 characters",
  ],
  ["orchestra.workflow.started", run, "workflow deploy started"],
  [
    "orchestra.workflow.step",
    { ...run, stepId: "s1", workerId: "build", status: "success" },
    "build workflow deploy: step s1 completed in 2.0 s",
  ],
  [
    "orchestra.workflow.step",
    { ...run, stepId: "s1", stepTitle: "Compile", status: "error", error: "no space" },
    "workflow deploy: step Compile failed after 2.0 s: no space",
  ],
  [
    "orchestra.workflow.carry.trimmed",
    { ...run, workflowName: "Deploy" },
    "workflow Deploy: carried text trimmed",
  ],
  [
    "orchestra.workflow.completed",
    { ...run, status: "error", steps: { total: 6, success: 5, error: 1 } },
    "workflow deploy failed after 2.0 s: 5 of 6 steps succeeded",
  ],
  ["orchestra.memory.written", { scope: "project", key: "style" }, "wrote memory: project style"],
  ["orchestra.memory.written", {}, "wrote memory"],
  ["orchestra.skill.load.started", { skill: "git" }, "loading skill git"],
  ["orchestra.skill.load.completed", { skill: "git", workerId: "build" }, "build loaded skill git"],
  [
    "orchestra.skill.load.failed",
    { skill: "git", error: "no such file" },
    "could not load skill git: no such file",
  ],
  ["orchestra.skill.permission", { skill: "git", permission: "allow" }, "skill git: permission allow"],
  ["orchestra.error", { message: "out of disk" }, "error: out of disk"],
  ["orchestra.error", { message: "out of disk", source: "memory" }, "error in memory: out of disk"],
];

test.each(CASES)("%s of %j reads as: %s", (type, data, message) => {
  const event = createOrchestratorEvent(type, data as never);

  expect(logMessage(event)).toBe(message);
  expect(message.endsWith(eventText(event))).toBe(true);
});

test("an event whose data does not fit its type reads as its type", () => {
  expect(logMessage(createOrchestratorEvent("orchestra.job.failed", undefined as never))).toBe(
    "orchestra.job.failed",
  );
});

test("every type of event has a text", () => {
  expect(new Set(CASES.map(([type]) => type))).toEqual(new Set(EVENT_TYPES));
});

describe("durations", () => {
  test.each([
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [1_000, "1.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min 0 s"],
    [125_000, "2 min 5 s"],
    [3_780_000, "1 h 3 min"],
    [360_000_000, "100 h 0 min"],
  ])("%d ms is %s", (durationMs, text) => {
    expect(readableDuration(durationMs)).toBe(text);
  });
});

describe("texts on one line", () => {
  const codeUnits = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 1_000 })
    .map((units) => String.fromCharCode(...units));

  test("have no line ends and no escape sequences, whatever came in", () => {
    fc.assert(
      fc.property(codeUnits, (text) => {
        const line = oneLine(text);
        expect(line).not.toMatch(/\p{Cc}|\u2028|\u2029/u);
        expect(line.length).toBeLessThanOrEqual(200);
        expect(line.isWellFormed()).toBe(true);
      }),
    );
  });

  test("are cut with a sign, and without half a character", () => {
    expect(oneLine(`${"a".repeat(198)}😀b`)).toBe(`${"a".repeat(198)}…`);
    expect(oneLine(`  ${"a".repeat(200)}\n`)).toBe("a".repeat(200));
  });
});
