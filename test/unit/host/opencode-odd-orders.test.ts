import { describe, expect, it } from "vitest";
import type { OpenCodeFact, PromptFact, StepFact, ToolFact } from "../../../src/host/opencode-facts.ts";
import { Replay } from "../../fixtures/opencode-replay.ts";
import { milliseconds, PARENT_SPAN_CONTEXT, PARENT_TRACEPARENT } from "../../fixtures/traced-job.ts";

let clock = Date.now();

function prompt(sessionId: string, messageId: string, more: Partial<PromptFact> = {}): PromptFact {
  const at = ++clock;
  const told = { at, sessionId, messageId, createdAt: at, agent: "build", text: "" };
  return { kind: "prompt", ...told, isSynthetic: false, traceparent: undefined, ...more };
}

function step(sessionId: string, promptId: string, more: Partial<StepFact> = {}): StepFact {
  const at = ++clock;
  const told = { at, sessionId, messageId: `${promptId}-step`, promptId, createdAt: at };
  const model = { agent: "build", model: "m", provider: "p" };
  const open = { completedAt: undefined, finish: undefined, error: undefined };
  const usage = { inputTokens: 1, outputTokens: 1, cost: 0 };
  return { kind: "step", ...told, ...model, ...open, ...usage, ...more };
}

const done = (sessionId: string, promptId: string) =>
  step(sessionId, promptId, { completedAt: ++clock, finish: "stop" });

function tool(sessionId: string, promptId: string, more: Partial<ToolFact> = {}): ToolFact {
  const at = ++clock;
  const told = { at, sessionId, messageId: `${promptId}-step`, partId: "part", callId: "call" };
  const times = { startedAt: at, endedAt: undefined, error: undefined };
  return { kind: "tool", ...told, tool: "bash", status: "running", ...times, task: undefined, ...more };
}

function task(partId: string, childId: string | undefined, more: Partial<ToolFact> = {}): ToolFact {
  const asked = { agent: partId, description: "", childId, isBackground: false };
  return tool("top", "one", { partId, callId: `${partId}-call`, tool: "task", task: asked, ...more });
}

const status = (kind: "busy" | "idle", sessionId: string): OpenCodeFact => ({ kind, at: ++clock, sessionId });

function told(facts: readonly OpenCodeFact[], replay = new Replay()): Replay {
  for (const fact of facts) replay.fold.apply(fact);
  return replay;
}

const opened = () => [prompt("top", "one"), status("busy", "top"), step("top", "one")];

describe("a tool's call that is told of again after its end", () => {
  it.each(["completed", "running"] as const)("as %s has one span all the same", (status_) => {
    const ended = tool("top", "one", { status: "completed" });
    const again = tool("top", "one", { status: status_ });
    const { tree } = told([...opened(), ended, again, done("top", "one"), status("idle", "top")]);
    expect(tree).toEqual(["invoke_agent build: success", "  execute_tool bash", "  chat m"]);
  });
});

describe("a prompt into the session of a subagent at work", () => {
  it("is part of that, and not what comes next", () => {
    const { story } = told([
      ...opened(),
      task("sub", "child"),
      prompt("child", "task-prompt"),
      status("busy", "child"),
      step("child", "task-prompt"),
      prompt("child", "extra"),
      step("child", "extra"),
      done("child", "extra"),
      status("idle", "child"),
      task("sub", "child", { status: "completed" }),
      done("top", "one"),
      status("idle", "top"),
      status("busy", "child"),
      status("idle", "child"),
    ]);
    expect(story).toEqual(["build succeeded", "  sub succeeded"]);
  });
});

describe("a subagent without a session", () => {
  it("is canceled for the reason of who asked for it", () => {
    const aborted = { name: "MessageAbortedError", message: "Aborted" };
    const error: OpenCodeFact = { kind: "error", at: ++clock, sessionId: "top", error: aborted };
    const { story } = told([...opened(), task("sub", undefined), error, status("idle", "top")]);
    expect(story).toEqual(["build canceled: aborted", "  sub canceled: aborted"]);
  });

  it("is canceled when its permission is refused", () => {
    const asked = { at: ++clock, sessionId: "top", requestId: "request" };
    const { story } = told([
      ...opened(),
      task("sub", undefined),
      { kind: "permission", ...asked, callId: "sub-call", permission: "task" },
      { kind: "permission-reply", ...asked, reply: "reject" },
      task("sub", undefined, { status: "error", error: "The user said no" }),
      done("top", "one"),
      status("idle", "top"),
    ]);
    expect(story).toEqual(["build canceled: permission rejected", "  sub canceled: permission rejected"]);
  });
});

describe("a job that somebody else cancels", () => {
  it("outlasts all that belongs to it, though time goes on", () => {
    // Each look at the clock finds it later.
    const replay = told([...opened(), tool("top", "one")], new Replay({ now: () => ++clock }));
    replay.registry.cancel("one");
    expect(replay.tree).toEqual(["invoke_agent build: cancellation", "  execute_tool bash: canceled"]);
    const ends = replay.spans.map(({ name, endTime }) => ({ name, end: milliseconds(endTime) }));
    const end = replay.registry.get("one")?.finishedAt;
    expect(ends.map(({ name }) => ({ name, end }))).toEqual(ends);
  });
});

describe("a call of the model that answers nothing known", () => {
  it("makes no job", () => {
    const { story } = told([status("busy", "top"), step("top", ""), status("idle", "top")]);
    expect(story).toEqual([]);
  });
});

describe("the trace context of a prompt that is no job", () => {
  it("is that of its subagents", () => {
    const replay = new Replay({ prompts: false });
    const calls = [
      prompt("top", "one", { traceparent: PARENT_TRACEPARENT }),
      status("busy", "top"),
      step("top", "one"),
      task("sub", undefined),
      status("idle", "top"),
    ];
    const { parentSpanContext } = told(calls, replay).span("invoke_agent sub");
    expect(parentSpanContext).toMatchObject(PARENT_SPAN_CONTEXT);
  });
});
