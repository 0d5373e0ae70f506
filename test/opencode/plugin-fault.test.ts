import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, inject, it } from "vitest";
import { audit } from "./rig/audit.ts";
import type { Ending } from "./rig/opencode-process.ts";
import { plainEnding } from "./rig/plain-output.ts";
import { pluginEntry } from "./rig/plugin-package.ts";
import { Stage } from "./rig/stage.ts";
import { openStage } from "./rig/test-stage.ts";

const HOSTILE = new URL("plugins/hostile-plugin.ts", import.meta.url).href;
/** All that are given something: in nothing there can be no trap. */
const HOOKS = ["event", "chat.message", "chat.headers", "shell.env"];

let bareEnding: Ending;

beforeAll(async () => {
  const bare = await Stage.open({ ...inject("opencode"), plugins: [] });
  bareEnding = await bare.run("ONE").ended;
  await bare.close();
});

describe.concurrent("a run ends as without the plugin", () => {
  it.for([...HOOKS, "all"])("with a bug in hook: %s", async (hook, context) => {
    const entry = pluginEntry(inject("opencode").packages);
    const report = join(mkdtempSync(join(tmpdir(), "orchestra-hostile-")), "report");
    context.onTestFinished(() => rmSync(dirname(report), { recursive: true }));
    const stage = await openStage(context, { plugins: [[HOSTILE, { entry, hook, report }]] });
    const ending = await stage.run("ONE").ended;
    const sprung = new Set(readFileSync(report, "utf8").trim().split("\n"));
    const evidence = await stage.evidence();
    // With a hook out of order some calls are not heard of; what is told is whole all the same.
    const { counts, examples } = audit({ ...evidence, callIds: [] });
    context.task.meta.verdict = counts;
    context.expect(plainEnding(ending)).toEqual(plainEnding(bareEnding));
    context.expect(sprung).toEqual(new Set(hook === "all" ? HOOKS : [hook]));
    context.expect(examples).toEqual([]);
  });

  it("with a data file that cannot be opened", async (context) => {
    const stage = await openStage(context);
    writeFileSync(dirname(stage.project.dataFile), "a file where a folder should be");
    const ending = await stage.run("ONE").ended;
    context.expect(plainEnding(ending)).toEqual(plainEnding(bareEnding));
  });
});
