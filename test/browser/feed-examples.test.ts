import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startTestBridge, TOKEN } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { temporaryFolder } from "../fixtures/sqlite-logs.ts";
import { launchChromium, openTabs } from "./chromium-browser.ts";
import { bundle, startSite } from "./site.ts";

const ROOT = join(import.meta.dirname, "../..");
const LANGUAGES: Record<string, string> = { sh: "sh", mjs: "js", py: "python" };

it.each(globSync("examples/feed*", { cwd: ROOT }))("docs/feed.md shows %s as it is", (file) => {
  const page = readFileSync(join(ROOT, "docs/feed.md"), "utf8");
  const code = readFileSync(join(ROOT, file), "utf8");
  const language = LANGUAGES[file.split(".").at(-1) as string];
  expect(page).toContain(`\`\`\`${language}\n${code}\`\`\`\n`);
});

/** A bridge behind a proxy that can cut its connections, with one job that has ended. */
async function start(options: { allowedOrigins?: string[] } = {}) {
  const test = await startTestBridge(options);
  onTestFinished(() => test.close());
  const proxy = await startCuttingProxy(test.port);
  const finishJob = async (jobId: string) => {
    test.publisher.publish(jobEvent("orchestra.job.created", jobId));
    test.publisher.publish(jobEvent("orchestra.job.completed", jobId));
    await test.publisher.flush();
  };
  await finishJob("early");
  const connected = (count: number) =>
    expect.poll(() => test.hub.stats().connected, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
  return { test, proxy, finishJob, connected };
}

class Example {
  readonly #child: ChildProcess;
  output = "";

  constructor(command: string, args: readonly string[], bridge: string, env: Record<string, string> = {}) {
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH, BRIDGE: bridge, ORCHESTRA_TOKEN: TOKEN, ...env },
      stdio: ["ignore", "pipe", "inherit"],
      // A shell does not pass on what ends it.
      detached: true,
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    this.#child = child;
    onTestFinished(async () => {
      const closed = once(child, "close");
      process.kill(-(child.pid as number), "SIGKILL");
      await closed;
    });
  }

  async printed(text: string): Promise<void> {
    await expect.poll(() => this.output, { timeout: 20_000 }).toContain(text);
    expect(this.#child.exitCode).toBeNull();
  }
}

it("the curl example follows the feed, and goes on from a cursor", async () => {
  const { proxy, finishJob, connected } = await start();
  const script = join(ROOT, "examples/feed-curl.sh");
  const now = new Example("sh", [script], proxy.url);
  await connected(1);
  await finishJob("late");
  await now.printed("event: orchestra.job.completed");
  expect(now.output).not.toContain("early");
  const resumed = new Example("sh", [script], proxy.url, { CURSOR: "e-1" });
  await resumed.printed('"late"');
  expect([...resumed.output.matchAll(/^id: (.*)\nevent/gm)].map(([, id]) => id)).toEqual([
    "e-2",
    "e-3",
    "e-4",
  ]);
});

it("the Python example goes on where it was", async () => {
  const { proxy, finishJob, connected } = await start();
  const example = new Example("python3", [join(ROOT, "examples/feed.py")], proxy.url);
  await connected(1);
  await finishJob("a");
  await example.printed("orchestra.job.completed a\n");
  proxy.cut();
  await finishJob("b");
  await example.printed("orchestra.job.completed b\n");
  const lines = ["created a", "completed a", "created b", "completed b"];
  expect(example.output).toBe(lines.map((line) => `orchestra.job.${line}\n`).join(""));
});

it.each([
  ["Node", process.execPath],
  ["Bun", join(ROOT, "node_modules/.bin/bun")],
])("the Node example shows the jobs so far under %s, and goes on where it was", async (_name, runtime) => {
  const { proxy, finishJob } = await start();
  const folder = temporaryFolder();
  const installed = join(folder, "node_modules/orchestra-otel");
  mkdirSync(join(installed, "dist/src/client"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  writeFileSync(join(installed, "dist/src/client/index.js"), await bundle("src/client/index.ts"));
  cpSync(join(ROOT, "examples/feed-node.mjs"), join(folder, "feed-node.mjs"));
  const example = new Example(runtime, [join(folder, "feed-node.mjs")], proxy.url);
  await example.printed("1 jobs so far\n");
  await finishJob("a");
  await example.printed("after");
  proxy.cut();
  await finishJob("b");
  const { durationMs, workerId } = jobEvent("orchestra.job.completed", "b").data as Record<string, unknown>;
  const line = `${workerId} succeeded after ${durationMs} ms\n`;
  await example.printed(line + line);
  expect(example.output).toBe(`1 jobs so far\n${line}${line}`);
});

it.each([
  ["feed-browser.mjs", /succeeded$/, ["early", "late"]],
  ["feed-event-source.mjs", /^late took .* ms \(e-4\)$/, ["late"]],
])("the browser example %s shows what happens", async (file, row, jobs) => {
  const site = await startSite(
    {
      "/page.js": await bundle(`examples/${file}`),
      "/feed-worker.js": await bundle("orchestra-otel/client/shared-worker"),
    },
    '<ul id="jobs"></ul><script>jobs.dataset.bridge = location.hash.slice(1)</script>',
  );
  const { test, finishJob, connected } = await start({ allowedOrigins: [site] });
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = await (await openTabs(browser)).newPage();
  await page.goto(`${site}/#${test.url}`);
  await connected(1);
  await finishJob("late");
  const rows = page.locator("li");
  await rows.nth(jobs.length - 1).waitFor();
  await expect.poll(() => rows.last().textContent()).toMatch(row);
  expect(await rows.count()).toBe(jobs.length);
});
