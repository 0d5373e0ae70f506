import type { ToolCall } from "./llm-stream.ts";

/** What the model does in one turn. */
export type Answer =
  | { say: string }
  | { call: readonly ToolCall[] }
  /** Nothing until the test lets it go on; then it says something. */
  | "hold"
  /** `retryAfterMs`: what the client is asked to wait before it tries again. */
  | { status: number; error?: string; retryAfterMs?: number };

/**
 * By the first word of a prompt: what the model does at first, and then each time the tools that it has
 * called have run. After the last it says that it is done.
 */
export type Answers = Readonly<Record<string, Answer | readonly Answer[]>>;

const AN_HOUR_MS = 3_600_000;

export const ANSWERS: Answers = {
  PLAIN: { say: "hello there" },
  HOLD: "hold",

  ECHO: { call: [bash("echo hi")] },
  TRACE: { call: [bash("echo trace=$TRACEPARENT")] },
  EXIT3: { call: [bash("exit 3")] },
  SLEEP: { call: [bash("echo asleep; exec sleep 60")] },
  MISSING: { call: [{ name: "read", args: { filePath: "/nowhere/to/be/found" } }] },

  ONE: { call: [task("one", "ECHO")] },
  TWO: { call: [task("first", "PLAIN"), task("second", "PLAIN")] },
  NEST: { call: [task("outer", "ONE", { subagent_type: "nester" })] },
  BACK: { call: [task("behind", "HOLD", { background: true })] },
  SUBHOLD: { call: [task("held", "HOLD")] },
  SUBFAIL: { call: [task("refused", "REFUSED")] },
  NOBODY: { call: [task("for nobody", "PLAIN", { subagent_type: "nobody" })] },

  REFUSED: { status: 400 },
  BROKEN: { status: 500, retryAfterMs: 1 },
  PAUSED: { status: 500, retryAfterMs: AN_HOUR_MS },
};

function task(description: string, prompt: string, more: object = {}): ToolCall {
  return { name: "task", args: { description, prompt, subagent_type: "general", ...more } };
}

function bash(command: string): ToolCall {
  return { name: "bash", args: { command, description: "runs a command" } };
}
