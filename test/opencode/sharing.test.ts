import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, inject, it, type TestContext } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { posting, TOKEN } from "../fixtures/bridge.ts";
import { PLUGIN, pluginEntry } from "./rig/plugin-package.ts";
import type { Stage } from "./rig/stage.ts";
import { ONE, PLAIN, together, withoutChild } from "./rig/stories.ts";
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

  it("cancels a job of the other process", async (context) => {
    const stage = await openStage(context, { env: { ORCHESTRA_TOKEN: TOKEN } });
    const feed = stage.feed();
    const [serving, running] = [await stage.serve(), await stage.serve()];
    await serving.prompt(await serving.createSession(), "PLAIN");
    await feed.ended(1);
    await running.promptAside(await running.createSession(), "SUBHOLD");
    await stage.llm.asked("HOLD");
    await feed.created(3);
    const { data } = feed.events.findLast(({ type }) => type === "orchestra.job.created") as JobEvent;
    const cancel = posting(JSON.stringify({ reason: "not needed" }));
    const { status } = await fetch(`${stage.bridge}/v1/jobs/${data.jobId}/cancel`, cancel);
    context.expect(status).toBe(202);
    await feed.ended(3);
    await Promise.all([serving.process.kill("SIGTERM"), running.process.kill("SIGTERM")]);
    expectStory(await stage.evidence(), together(PLAIN, withoutChild("not needed")), context);
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

/** Names plugins for all folders of the user. */
function addGlobalPlugin({ project }: Stage, plugin: string): void {
  const folder = join(String(project.env.XDG_CONFIG_HOME), "opencode");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "opencode.json"), JSON.stringify({ plugin: [plugin] }));
}

/** The entry of the installed plugin in another place. */
function copyOfPlugin(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "orchestra-copy-"));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(inject("opencode").packages, folder, { recursive: true });
  return pluginEntry(folder);
}

/** Lines of ours in OpenCode's own log. */
function linesOfPlugin({ project }: Stage): string[] {
  const files = globSync(join(String(project.env.XDG_DATA_HOME), "opencode/log/*.log"));
  return files
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .filter((line) => line.includes("orchestra-otel: "));
}

describe.concurrent("a plugin that is named twice", () => {
  it("tells of everything once when each name is a copy of its own, and says so", async (context) => {
    const copy = copyOfPlugin(context);
    const stage = await openStage(context, { plugins: [copy] });
    addGlobalPlugin(stage, PLUGIN);
    const [server, feed] = [await stage.serve(), stage.feed()];
    const sessionId = await server.createSession();
    await server.prompt(sessionId, "ONE");
    await feed.ended(2);
    // What begins anew is still told of once.
    await server.disposeInstance(stage.project.directory);
    await server.prompt(sessionId, "PLAIN");
    await feed.ended(3);
    await server.process.kill("SIGTERM");
    const evidence = await stage.evidence();
    expectStory(evidence, together(ONE, PLAIN), context);
    context.expect(feed.events).toEqual(evidence.log.events.map(({ event }) => event));
    const told = linesOfPlugin(stage).filter((line) => line.includes("is loaded twice for"));
    context.expect(told).toHaveLength(2);
    const place = copy.slice(0, copy.indexOf("/dist/"));
    for (const line of told) {
      context.expect(line).toContain(`${stage.project.directory}: this copy does nothing (${place}/`);
    }
  });

  it("tells of everything once when both names are one file", async (context) => {
    const stage = await openStage(context, { plugins: [pluginEntry(inject("opencode").packages)] });
    addGlobalPlugin(stage, PLUGIN);
    await stage.run("ONE").ended;
    expectStory(await stage.evidence(), ONE, context);
  });
});
