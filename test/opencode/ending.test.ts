import { describe, it } from "vitest";
import { plainEnding } from "./rig/plain-output.ts";
import { cutOff, PLAIN, type Story, together } from "./rig/stories.ts";
import { expectStory, openStage } from "./rig/test-stage.ts";

const INTERRUPTED: Story = {
  jobs: [
    "build failed interrupted: The process that ran the job ended before the job did",
    "  general failed interrupted: The process that ran the job ended before the job did",
  ],
  spans: ["invoke_agent build [error] !interrupted", "  invoke_agent general [error] !interrupted"],
};
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

describe.concurrent("a process that is ended in the middle of a job", () => {
  it.for(SIGNALS)(
    "`run` by %s: all is told of, and it dies as without the plugin",
    async (signal, context) => {
      const stage = await openStage(context);
      const bare = await openStage(context, { plugins: [] });
      const [run, bareRun] = [stage.run("SUBHOLD"), bare.run("SUBHOLD")];
      await Promise.all([stage.llm.asked("HOLD"), bare.llm.asked("HOLD")]);
      const [ending, bareEnding] = await Promise.all([run.kill(signal), bareRun.kill(signal)]);
      context.expect(plainEnding(ending)).toEqual(plainEnding(bareEnding));
      expectStory(await stage.evidence(), cutOff({ parent: signal, child: signal }), context);
    },
  );

  it.for(SIGNALS)(
    "`serve` by %s: all is told of, and it dies as without the plugin",
    async (signal, context) => {
      const stage = await openStage(context);
      const bare = await openStage(context, { plugins: [] });
      const [server, bareServer] = [await stage.serve(), await bare.serve()];
      await server.promptAside(await server.createSession(), "SUBHOLD");
      await stage.llm.asked("HOLD");
      const [ending, bareEnding] = [await server.process.kill(signal), await bareServer.process.kill(signal)];
      context.expect(plainEnding(ending)).toEqual(plainEnding(bareEnding));
      expectStory(await stage.evidence(), cutOff({ parent: signal, child: signal }), context);
    },
  );

  it("SIGKILL: the next process tells of what was interrupted, once, under the same ids", async (context) => {
    const stage = await openStage(context);
    const feed = stage.feed();
    const killed = await stage.serve();
    await killed.promptAside(await killed.createSession(), "SUBHOLD");
    await stage.llm.asked("HOLD");
    await feed.created(2);
    await killed.process.kill("SIGKILL");
    const next = await stage.serve();
    await next.prompt(await next.createSession(), "PLAIN");
    await feed.ended(3);
    await next.process.kill("SIGTERM");
    const evidence = await stage.evidence();
    // The spans of the calls that were under way were in the killed process's memory alone.
    expectStory({ ...evidence, callIds: [] }, together(INTERRUPTED, PLAIN), context);
    context.expect(feed.events).toEqual(evidence.log.events.map(({ event }) => event));
  });

  it("`run` with a subagent in the background: that one is told of as cut off", async (context) => {
    const stage = await openStage(context, { env: { OPENCODE_EXPERIMENTAL_BACKGROUND_SUBAGENTS: "true" } });
    const run = stage.run("BACK");
    await stage.llm.asked("BACK");
    stage.llm.ready = stage.llm.asked("HOLD");
    await run.ended;
    expectStory(
      await stage.evidence(),
      {
        jobs: ["build succeeded", "  general canceled directory closed"],
        spans: [
          "invoke_agent build",
          "  chat fake-1",
          "  execute_tool task",
          "  chat fake-1",
          "  invoke_agent general [cancellation]",
          "    chat fake-1 [canceled]",
        ],
      },
      context,
    );
  });
});
