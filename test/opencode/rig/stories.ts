/** What `drawJobs` and `drawSpans` are to show. */
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
