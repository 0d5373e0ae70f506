import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RecordedCall, Replay, recordedCalls } from "../../fixtures/opencode-replay.ts";
import { type Story, together } from "../../opencode/rig/stories.ts";

interface Scenario extends Story {
  is: string;
  scenario: string;
}

const PLAIN: Story = { jobs: ["build succeeded"], spans: ["invoke_agent build: success", "  chat fake-1"] };

/** A subagent that answers. */
const DELEGATED: Story = {
  jobs: ["build succeeded", "  general succeeded"],
  spans: [
    "invoke_agent build: success",
    "  chat fake-1",
    "  execute_tool task",
    "  invoke_agent general: success",
    "    chat fake-1",
    "  chat fake-1",
  ],
};

/** A prompt that is aborted while its subagent asks the model. */
const DELEGATED_ABORTED: Story = {
  jobs: ["build canceled: aborted", "  general canceled: aborted"],
  spans: [
    "invoke_agent build: cancellation",
    "  chat fake-1",
    "  execute_tool task: canceled",
    "  invoke_agent general: cancellation",
    "    chat fake-1: canceled",
  ],
};

const COMMAND_ABORTED: Story = {
  jobs: ["build canceled: aborted"],
  spans: ["invoke_agent build: cancellation", "  chat fake-1", "  execute_tool bash: canceled"],
};

const ANSWER_ABORTED: Story = {
  jobs: ["build canceled: aborted"],
  spans: ["invoke_agent build: cancellation", "  chat fake-1: canceled"],
};

/** What the real OpenCode did in each, as it was recorded, and what is to come of it. */
const SCENARIOS: Scenario[] = [
  { is: "a plain answer", scenario: "plain", ...PLAIN },
  {
    is: "one subagent",
    scenario: "subagent",
    jobs: ["build succeeded", "  general succeeded"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: success",
      "    chat fake-1",
      "    execute_tool bash",
      "    chat fake-1",
      "  chat fake-1",
    ],
  },
  {
    is: "two subagents at once",
    scenario: "parallel",
    jobs: ["build succeeded", "  general succeeded", "  general succeeded"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: success",
      "    chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: success",
      "    chat fake-1",
      "  chat fake-1",
    ],
  },
  {
    is: "a subagent of a subagent",
    scenario: "nested",
    jobs: ["build succeeded", "  general succeeded", "    general succeeded"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: success",
      "    chat fake-1",
      "    execute_tool task",
      "    invoke_agent general: success",
      "      chat fake-1",
      "      execute_tool bash",
      "      chat fake-1",
      "    chat fake-1",
      "  chat fake-1",
    ],
  },
  {
    is: "a background subagent, and what OpenCode says of its end",
    scenario: "background",
    jobs: ["build succeeded", "  general succeeded", "  build succeeded"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: success",
      "    chat fake-1",
      "    execute_tool bash",
      "    chat fake-1",
      "  chat fake-1",
      "  invoke_agent build: success",
      "    chat fake-1",
    ],
  },
  {
    is: "a background subagent that fails",
    scenario: "background-error",
    jobs: ["build succeeded", "  general failed APIError: boom 400", "  build succeeded"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: APIError!",
      "    chat fake-1: APIError!",
      "  chat fake-1",
      "  invoke_agent build: success",
      "    chat fake-1",
    ],
  },
  {
    is: "three subagents, one of which fails",
    scenario: "children-mixed",
    jobs: [
      "build succeeded",
      "  general succeeded",
      "  general failed APIError: boom 400",
      "  explore succeeded",
    ],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: success",
      "    chat fake-1",
      "    execute_tool invalid",
      "    chat fake-1",
      "  execute_tool task: tool_error!",
      "  invoke_agent general: APIError!",
      "    chat fake-1",
      "    execute_tool bash",
      "    chat fake-1: APIError!",
      "  execute_tool task",
      "  invoke_agent explore: success",
      "    chat fake-1",
      "  chat fake-1",
    ],
  },
  {
    is: "an agent that there is not",
    scenario: "unknown-agent",
    jobs: [
      "build succeeded",
      "  nobody failed tool_error: Unknown agent type: nobody is not a valid agent type",
    ],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task: tool_error!",
      "  invoke_agent nobody: tool_error!",
      "  chat fake-1",
    ],
  },
  {
    is: "a model that refuses",
    scenario: "llm-400",
    jobs: ["build failed APIError: bad request by fake"],
    spans: ["invoke_agent build: APIError!", "  chat fake-1: APIError!"],
  },
  {
    is: "a model that breaks each time",
    scenario: "llm-500",
    jobs: ["build failed APIError: boom 500"],
    spans: ["invoke_agent build: APIError!", "  chat fake-1: APIError!"],
  },
  { is: "an abort while a subagent works", scenario: "abort-parent", ...DELEGATED_ABORTED },
  {
    is: "an abort of the subagent alone",
    scenario: "abort-child",
    jobs: ["build succeeded", "  general canceled: aborted"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task: tool_error!",
      "  invoke_agent general: cancellation",
      "    chat fake-1: canceled",
      "  chat fake-1",
    ],
  },
  { is: "an abort during a command", scenario: "abort-bash", ...COMMAND_ABORTED },
  {
    is: "an abort before the next try, and another prompt",
    scenario: "abort-retry",
    ...together(ANSWER_ABORTED, PLAIN),
  },
  { is: "an abort before a subagent's next try", scenario: "abort-child-retry", ...DELEGATED_ABORTED },
  {
    is: "prompts that come while the last one is being aborted",
    scenario: "abort-then-prompt",
    ...together(COMMAND_ABORTED, PLAIN, ANSWER_ABORTED, PLAIN),
  },
  {
    is: "an abort of a background subagent",
    scenario: "abort-background",
    jobs: ["build succeeded", "  general canceled: aborted"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool task",
      "  invoke_agent general: cancellation",
      "    chat fake-1: canceled",
      "  chat fake-1",
    ],
  },
  { is: "an abort while a permission is asked for", scenario: "abort-permission", ...COMMAND_ABORTED },
  {
    is: "a permission that is given and one that is not",
    scenario: "permission",
    jobs: ["build canceled: permission rejected"],
    spans: [
      "invoke_agent build: cancellation",
      "  chat fake-1",
      "  execute_tool bash",
      "  chat fake-1",
      "  execute_tool bash: tool_error!",
    ],
  },
  {
    is: "a prompt that comes while another one runs",
    scenario: "queued-prompt",
    jobs: ["build succeeded", "build succeeded"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool bash",
      "invoke_agent build: success",
      "  chat fake-1",
    ],
  },
  {
    is: "a subagent that is asked twice, and then by the user",
    scenario: "resumed-child",
    ...together(DELEGATED, DELEGATED, PLAIN),
  },
  {
    is: "commands, a shell line and a compaction",
    scenario: "commands",
    jobs: [
      "build succeeded",
      "build succeeded",
      "  general succeeded",
      "build succeeded",
      "compaction succeeded",
    ],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "invoke_agent build: success",
      "  execute_tool task",
      "  invoke_agent general: success",
      "    chat fake-1",
      "  chat fake-1",
      "invoke_agent build: success",
      "  execute_tool bash",
      "invoke_agent compaction: success",
      "  chat fake-1",
    ],
  },
  {
    is: "a session that is deleted while it works",
    scenario: "deleted-session",
    jobs: ["build canceled: session deleted", "  general canceled: aborted"],
    spans: DELEGATED_ABORTED.spans,
  },
  { is: "a message that asks for no reply", scenario: "no-reply", ...PLAIN },
  { is: "a fork of a session", scenario: "fork", ...together(DELEGATED, PLAIN) },
  {
    is: "tools that fail",
    scenario: "tool-errors",
    jobs: ["build succeeded"],
    spans: [
      "invoke_agent build: success",
      "  chat fake-1",
      "  execute_tool invalid",
      "  execute_tool read: tool_error!",
      "  chat fake-1",
    ],
  },
  {
    is: "a directory that is let go in the middle",
    scenario: "disposed",
    jobs: ["build canceled: disposed"],
    spans: ["invoke_agent build: cancellation", "  chat fake-1: canceled"],
  },
];

describe("what OpenCode calls in", () => {
  it.for(SCENARIOS)(
    "$is makes these jobs and spans, and leaves nothing open",
    ({ scenario, jobs, spans }) => {
      const replay = new Replay().run(recordedCalls(scenario));
      expect(replay.story).toEqual(jobs);
      expect(replay.tree).toEqual(spans);
      expect(replay.faults).toEqual([]);
      expect(replay.fold.open).toBe(0);
    },
  );

  it.for(SCENARIOS)("$is makes whole jobs wherever it breaks off", ({ scenario }) => {
    const calls = recordedCalls(scenario);
    calls.forEach(({ at }, length) => {
      const replay = new Replay().run(calls.slice(0, length));
      replay.fold.close("gone", at);
      expect(replay.faults).toEqual([]);
    });
  });

  it("makes whole jobs whatever is lost of it, or told twice, or late", () => {
    const scenario = fc.constantFrom(...SCENARIOS.map(({ scenario }) => scenario));
    const fates = fc.infiniteStream(fc.constantFrom("told", "told", "told", "told", "lost", "twice", "late"));
    fc.assert(
      fc.property(scenario, fates, (name, stream) => {
        const calls = recordedCalls(name);
        const late: RecordedCall[] = [];
        const told = calls.flatMap((call) => {
          const fate = stream.next().value;
          if (fate === "late") late.push(call);
          const now = fate === "told" ? [call, ...late.splice(0)] : [];
          return fate === "twice" ? [call, call] : now;
        });
        const replay = new Replay().run([...told, ...late]);
        replay.fold.close("gone", (calls.at(-1) as RecordedCall).at);
        expect(replay.faults).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
