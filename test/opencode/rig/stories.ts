/** Jobs and spans as lines of text, as `drawJobs` and `drawSpans` show them. */
export interface Story {
  jobs: string[];
  spans: string[];
}

export const PLAIN: Story = {
  jobs: ["build succeeded"],
  spans: ["invoke_agent build", "  chat fake-1"],
};

export const ONE: Story = {
  jobs: ["build succeeded", "  general succeeded"],
  spans: [
    "invoke_agent build",
    "  chat fake-1",
    "  execute_tool task",
    "  chat fake-1",
    "  invoke_agent general",
    "    chat fake-1",
    "    execute_tool bash",
    "    chat fake-1",
  ],
};

export const REFUSED: Story = {
  jobs: ["build failed APIError: the model answers with 400"],
  spans: ["invoke_agent build [failure] !APIError", "  chat fake-1 !APIError"],
};

/** A prompt that goes on when its subagent is canceled in the middle of it. */
export function withoutChild(reason: string): Story {
  return {
    jobs: ["build succeeded", `  general canceled ${reason}`],
    spans: [
      "invoke_agent build",
      "  chat fake-1",
      "  execute_tool task !tool_error",
      "  chat fake-1",
      "  invoke_agent general [cancellation]",
      "    chat fake-1 [canceled]",
    ],
  };
}

/** A prompt and its subagent that were cut off in the middle of it, each for its reason. */
export function cutOff(reasons: { parent: string; child: string }): Story {
  return {
    jobs: [`build canceled ${reasons.parent}`, `  general canceled ${reasons.child}`],
    spans: [
      "invoke_agent build [cancellation]",
      "  chat fake-1",
      "  execute_tool task [canceled]",
      "  invoke_agent general [cancellation]",
      "    chat fake-1 [canceled]",
    ],
  };
}

/** One after the other. */
export function together(...stories: Story[]): Story {
  return {
    jobs: stories.flatMap(({ jobs }) => jobs),
    spans: stories.flatMap(({ spans }) => spans),
  };
}
