import type { Answer, Answers } from "../../test/opencode/rig/llm-answers.ts";
import type { ToolCall } from "../../test/opencode/rig/llm-stream.ts";

/** What the user asks for. */
export const PROMPT = "Since release 2.4 a search takes four times as long. Find out why, and mend it.";

/** Jobs that it makes. */
export const JOBS = 7;

/** The first words of what the last two subagents are asked, which the model answers only when it is let. */
export const LAST = ["Keep", "Benchmark"] as const;

export const AGENTS = {
  general: { permission: { task: "allow" } },
  reviewer: subagent("Reviews changes."),
  scout: subagent("Searches what others have found."),
  tester: subagent("Writes tests."),
};

/** Three subagents, one of which asks a fourth and one of which fails, and then two that are held. */
export const ANSWERS: Answers = {
  Since: [
    {
      call: [
        task("explore", "Profile a slow query", "Profile a slow query and say what takes longest."),
        task("general", "Measure 2.3 and 2.4", "Measure both releases with the same queries."),
        task("scout", "Search known issues", "Search the issues of what we depend on."),
      ],
    },
    {
      call: [
        task("general", "Cache posting lists", "Keep decoded posting lists in a cache."),
        task("tester", "Write a benchmark", "Benchmark the search, so that this comes to light."),
      ],
    },
    { say: "Posting lists were decoded again for each query. A cache keeps them now." },
  ],
  Profile: [work(3), work(4), { say: "Decoding posting lists takes 82 % of a query." }],
  Measure: [
    work(2),
    { call: [task("reviewer", "Read the changes", "Read each change since 2.3.")] },
    work(2),
    { say: "A query takes 61 ms with 2.3 and 248 ms with 2.4." },
  ],
  Read: [work(3), { say: "Since 2.4 nothing keeps what was decoded." }],
  Search: [work(2), { status: 403, error: "This key may not use the model" }],
  [LAST[0]]: [work(3), "hold"],
  [LAST[1]]: [work(2), work(2), "hold"],
};

function subagent(description: string): object {
  return { mode: "subagent", description };
}

function task(agent: string, description: string, prompt: string): ToolCall {
  return { name: "task", args: { subagent_type: agent, description, prompt } };
}

/** Takes so many seconds. */
function work(seconds: number): Answer {
  return { call: [{ name: "bash", args: { command: `sleep ${seconds}`, description: "Works" } }] };
}
