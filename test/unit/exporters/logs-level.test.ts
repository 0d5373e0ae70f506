import { describe, expect, test } from "vitest";
import { LogLevels } from "../../../exporters/log-level.ts";
import { createOrchestratorEvent, type OrchestratorEvent } from "../../../src/event/event.ts";

const facts = { workerId: "build", revision: 1, startedAt: 0 };
const run = { runId: "r", workflowId: "deploy", startedAt: 0, finishedAt: 1, durationMs: 1 };
const steps = { total: 1, success: 1, error: 0 };

function progress(jobId: string, timestamp: number): OrchestratorEvent {
  const data = { ...facts, jobId, status: "running", message: "", updatedAt: timestamp } as const;
  return createOrchestratorEvent("orchestra.job.progress", data, { timestamp });
}

function completed(jobId: string): OrchestratorEvent {
  const data = { ...facts, jobId, status: "succeeded", finishedAt: 1, durationMs: 1 } as const;
  return createOrchestratorEvent("orchestra.job.completed", data);
}

describe("ambient events", () => {
  test.each([
    ["info", createOrchestratorEvent("orchestra.worker.status", { worker: { id: "w" }, status: "ready" })],
    ["error", createOrchestratorEvent("orchestra.worker.status", { worker: { id: "w" }, status: "error" })],
    ["info", createOrchestratorEvent("orchestra.workflow.started", run)],
    ["error", createOrchestratorEvent("orchestra.workflow.step", { ...run, stepId: "s", status: "error" })],
    ["info", createOrchestratorEvent("orchestra.workflow.completed", { ...run, status: "success", steps })],
    ["info", createOrchestratorEvent("orchestra.memory.written", {})],
    ["debug", createOrchestratorEvent("orchestra.skill.load.started", { skill: "git" })],
    ["error", createOrchestratorEvent("orchestra.skill.load.failed", { skill: "git", error: "" })],
    ["error", createOrchestratorEvent("orchestra.error", { message: "" })],
    [
      "debug",
      createOrchestratorEvent("orchestra.worker.stream", {
        chunk: { workerId: "w", chunk: "", timestamp: 0 },
      }),
    ],
  ] as const)("have the level %s for %j", (level, event) => {
    expect(new LogLevels(1_000).levelOf(event)).toBe(level);
  });
});

describe("progress", () => {
  test("of a job that has ended is not remembered", () => {
    const levels = new LogLevels(1_000);
    levels.levelOf(progress("a", 5_000));
    levels.levelOf(completed("a"));

    expect(levels.levelOf(progress("a", 5_001))).toBe("info");
  });

  test("goes on being logged when the clock is set back", () => {
    const levels = new LogLevels(1_000);
    levels.levelOf(progress("a", 9_000_000));

    expect(levels.levelOf(progress("a", 5_000))).toBe("info");
  });

  test("of very many jobs forgets the one that was silent longest", () => {
    const levels = new LogLevels(1_000);
    for (let job = 0; job <= 10_000; job++) levels.levelOf(progress(String(job), 5_000));

    expect(levels.levelOf(progress("1", 5_001))).toBe("debug");
    expect(levels.levelOf(progress("0", 5_001))).toBe("info");
  });
});
