import { describe, it } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { posting, TOKEN } from "../fixtures/bridge.ts";
import type { Ending } from "./rig/opencode-process.ts";
import { CTRL_C, ENTER, ESCAPE, type OpencodeTui } from "./rig/opencode-tui.ts";
import { plainEnding } from "./rig/plain-output.ts";
import type { Stage } from "./rig/stage.ts";
import { cutOff, ONE, PLAIN, together, withoutChild } from "./rig/stories.ts";
import { expectStory, openStage } from "./rig/test-stage.ts";

async function leave(tui: OpencodeTui): Promise<Ending> {
  tui.press("/exit");
  await tui.shows("Exit the app");
  tui.press(ENTER);
  return await tui.ended;
}

const ENDS = [
  {
    how: "ctrl+c",
    end: async (tui: OpencodeTui) => {
      tui.press(CTRL_C);
      return await tui.ended;
    },
  },
  { how: "SIGTERM", end: (tui: OpencodeTui) => tui.kill("SIGTERM") },
  { how: "SIGINT", end: (tui: OpencodeTui) => tui.kill("SIGINT") },
  { how: "SIGHUP, as its terminal is closed", end: (tui: OpencodeTui) => tui.closeTerminal() },
];

/** In the middle of the work of a subagent. */
async function openHeld(stage: Stage): Promise<OpencodeTui> {
  const tui = await stage.tui();
  await tui.enter("SUBHOLD");
  await stage.llm.asked("HOLD");
  return tui;
}

describe.concurrent("`opencode` in a terminal", () => {
  it("tells of a subagent in the feed, and has the screen for itself", async (context) => {
    const stage = await openStage(context);
    const [tui, feed] = [await stage.tui(), stage.feed()];
    await tui.enter("ONE");
    await feed.ended(2);
    await tui.shows("done");
    context.expect(tui.printed).toBe("");
    const { code } = await leave(tui);
    context.expect(code).toBe(0);
    const evidence = await stage.evidence();
    expectStory(evidence, ONE, context);
    context.expect(feed.events).toEqual(evidence.log.events.map(({ event }) => event));
  });

  it.for(ENDS)(
    "tells of all when a job is cut off by $how, and ends as without the plugin",
    async ({ end }, context) => {
      const stage = await openStage(context);
      const bare = await openStage(context, { plugins: [] });
      const [tui, bareTui] = await Promise.all([openHeld(stage), openHeld(bare)]);
      const [ending, bareEnding] = [await end(tui), await end(bareTui)];
      context.expect(plainEnding(ending)).toEqual(plainEnding(bareEnding));
      // The plugin runs in a thread, which no signal reaches: it is told that its directory is closed.
      const reason = "directory closed";
      expectStory(await stage.evidence(), cutOff({ parent: reason, child: reason }), context);
    },
  );

  it("cancels both jobs when the prompt is interrupted, and goes on with the next", async (context) => {
    const stage = await openStage(context);
    const [tui, feed] = [await openHeld(stage), stage.feed()];
    tui.press(ESCAPE);
    await tui.shows("esc again to interrupt");
    tui.press(ESCAPE);
    await feed.ended(2);
    await tui.enter("PLAIN");
    await feed.ended(3);
    await leave(tui);
    const aborted = cutOff({ parent: "aborted", child: "aborted" });
    expectStory(await stage.evidence(), together(aborted, PLAIN), context);
  });

  it("stops a subagent that is canceled through the feed's server, and goes on with the prompt", async (context) => {
    const stage = await openStage(context, { env: { ORCHESTRA_TOKEN: TOKEN } });
    const [tui, feed] = [await openHeld(stage), stage.feed()];
    await feed.created(2);
    const { data } = feed.events.findLast(({ type }) => type === "orchestra.job.created") as JobEvent;
    await fetch(
      `${stage.bridge}/v1/jobs/${data.jobId}/cancel`,
      posting(JSON.stringify({ reason: "not needed" })),
    );
    await feed.ended(2);
    await leave(tui);
    expectStory(await stage.evidence(), withoutChild("not needed"), context);
  });

  it("hands the feed over to a server when it is left", async (context) => {
    const stage = await openStage(context);
    const [tui, feed] = [await stage.tui(), stage.feed()];
    await tui.enter("PLAIN");
    await feed.ended(1);
    const server = await stage.serve();
    const sessionId = await server.createSession();
    await server.prompt(sessionId, "PLAIN");
    await feed.ended(2);
    await leave(tui);
    await feed.until(({ opened }) => opened === 2);
    await server.prompt(sessionId, "PLAIN");
    await feed.ended(3);
    await server.process.kill("SIGTERM");
    const evidence = await stage.evidence();
    expectStory(evidence, together(PLAIN, PLAIN, PLAIN), context);
    context.expect(feed.events).toEqual(evidence.log.events.map(({ event }) => event));
  });
});
