import { describe, it } from "vitest";
import { plainEnding } from "./rig/plain-output.ts";
import { ONE, PLAIN, REFUSED, type Story } from "./rig/stories.ts";
import { expectStory, openStage } from "./rig/test-stage.ts";

interface Scenario extends Story {
  is: string;
  prompt: string;
}

const SCENARIOS: Scenario[] = [
  { is: "a plain answer", prompt: "PLAIN", ...PLAIN },
  { is: "one subagent", prompt: "ONE", ...ONE },
  {
    is: "two subagents in parallel",
    prompt: "TWO",
    jobs: ["build succeeded", "  general succeeded", "  general succeeded"],
    spans: [
      "invoke_agent build",
      "  chat fake-1",
      "  execute_tool task",
      "  execute_tool task",
      "  chat fake-1",
      "  invoke_agent general",
      "    chat fake-1",
      "  invoke_agent general",
      "    chat fake-1",
    ],
  },
  {
    is: "a subagent of a subagent",
    prompt: "NEST",
    jobs: ["build succeeded", "  nester succeeded", "    general succeeded"],
    spans: [
      "invoke_agent build",
      "  chat fake-1",
      "  execute_tool task",
      "  chat fake-1",
      "  invoke_agent nester",
      "    chat fake-1",
      "    execute_tool task",
      "    chat fake-1",
      "    invoke_agent general",
      "      chat fake-1",
      "      execute_tool bash",
      "      chat fake-1",
    ],
  },
  {
    is: "a subagent whose model refuses",
    prompt: "SUBFAIL",
    jobs: ["build succeeded", "  general failed APIError: the model answers with 400"],
    spans: [
      "invoke_agent build",
      "  chat fake-1",
      "  execute_tool task !tool_error",
      "  chat fake-1",
      "  invoke_agent general [failure] !APIError",
      "    chat fake-1 !APIError",
    ],
  },
  {
    is: "an agent that there is not",
    prompt: "NOBODY",
    jobs: [
      "build succeeded",
      "  nobody failed tool_error: Unknown agent type: nobody is not a valid agent type",
    ],
    spans: [
      "invoke_agent build",
      "  chat fake-1",
      "  execute_tool task !tool_error",
      "  chat fake-1",
      "  invoke_agent nobody [failure] !tool_error",
    ],
  },
  {
    is: "a tool that fails",
    prompt: "MISSING",
    jobs: PLAIN.jobs,
    spans: ["invoke_agent build", "  chat fake-1", "  execute_tool read !tool_error", "  chat fake-1"],
  },
  {
    is: "a command that fails, which the tool tells well",
    prompt: "EXIT3",
    jobs: PLAIN.jobs,
    spans: ["invoke_agent build", "  chat fake-1", "  execute_tool bash", "  chat fake-1"],
  },
  { is: "a model that refuses", prompt: "REFUSED", ...REFUSED },
  {
    is: "a model that breaks at each try",
    prompt: "BROKEN",
    jobs: ["build failed APIError: the model answers with 500"],
    spans: ["invoke_agent build [failure] !APIError", "  chat fake-1 !APIError"],
  },
];

describe.concurrent("`opencode run` of", () => {
  it.for(SCENARIOS)(
    "$is is told as it was, and goes as without the plugin",
    async ({ prompt, ...story }, context) => {
      const stage = await openStage(context);
      const bare = await openStage(context, { plugins: [] });
      const ending = await stage.run(prompt).ended;
      const bareEnding = await bare.run(prompt).ended;
      expectStory(await stage.evidence(), story, context);
      context.expect(plainEnding(ending)).toEqual(plainEnding(bareEnding));
    },
  );
});
