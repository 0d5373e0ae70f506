import { describe, it } from "vitest";
import { ONE, PLAIN, together } from "./rig/stories.ts";
import { expectStory, openStage } from "./rig/test-stage.ts";

describe.concurrent("one feed", () => {
  it("is of two processes, and goes on by the second when the first ends", async (context) => {
    const stage = await openStage(context);
    const feed = stage.feed();
    const [first, second] = [await stage.serve(), await stage.serve()];
    await first.prompt(await first.createSession(), "PLAIN");
    await feed.ended(1);
    const sessionId = await second.createSession();
    await second.prompt(sessionId, "PLAIN");
    await feed.ended(2);
    await first.process.kill("SIGTERM");
    await feed.until(({ opened }) => opened === 2);
    await second.prompt(sessionId, "ONE");
    await feed.ended(4);
    await second.process.kill("SIGTERM");
    const evidence = await stage.evidence();
    expectStory(evidence, together(PLAIN, PLAIN, ONE), context);
    context.expect(feed.events).toEqual(evidence.log.events.map(({ event }) => event));
  });

  it("is of two folders of one process, and of one of them when the other is let go", async (context) => {
    const stage = await openStage(context);
    const [server, feed] = [await stage.serve(), stage.feed()];
    const [left, right] = ["left", "right"].map((name) => stage.project.addDirectory(name));
    const [inLeft, inRight] = [await server.createSession(left), await server.createSession(right)];
    await Promise.all([server.prompt(inLeft, "ONE"), server.prompt(inRight, "ONE")]);
    await feed.ended(4);
    await server.disposeInstance(left as string);
    await server.prompt(inRight, "PLAIN");
    await feed.ended(5);
    await server.disposeInstance(right as string);
    await server.prompt(await server.createSession(left), "PLAIN");
    await feed.ended(6);
    await server.process.kill("SIGTERM");
    const evidence = await stage.evidence();
    expectStory(evidence, together(ONE, ONE, PLAIN, PLAIN), context);
    context.expect(feed.events).toEqual(evidence.log.events.map(({ event }) => event));
  });
});
