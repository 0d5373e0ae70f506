import { request as ask, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge, TOKEN } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { isLive, openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

async function start() {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  const tabs = await openTabs(browser);
  const publish = async (...events: Parameters<typeof test.publisher.publish>[0][]) => {
    for (const event of events) test.publisher.publish(event);
    await test.publisher.flush();
  };
  return { test, tabs, publish };
}

it("shows how the first job begins, goes on and ends, without being asked", async () => {
  const { test, tabs, publish } = await start();
  const { page } = await openPanel(tabs, test.url);
  await page.getByRole("heading", { name: "No jobs yet" }).waitFor();
  await publish(jobEvent("orchestra.job.created", "a"));
  const row = page.getByRole("row", { name: "Split the parser out" });
  await row.getByText("Queued", { exact: true }).waitFor();
  await publish(jobEvent("orchestra.job.progress", "a"));
  await row.getByRole("cell", { name: "40 % · 2 of 5 files · build · Compiling", exact: true }).waitFor();
  await publish(jobEvent("orchestra.job.completed", "a"));
  await row.getByText("Succeeded", { exact: true }).waitFor();
  await row.getByRole("cell", { name: "Two files changed", exact: true }).waitFor();
});

it("shows the same in every view", async () => {
  const { test, tabs, publish } = await start();
  await publish(jobEvent("orchestra.job.started", "a", { startedAt: Date.now() }));
  const open = async (hash: string) => (await openPanel(tabs, test.url, hash)).page;
  const [job, timeline, workers, health] = await Promise.all([
    open("#/jobs/a"),
    open("#/timeline"),
    open("#/workers"),
    open("#/health"),
  ]);
  for (const page of [job, timeline, workers, health]) await isLive(page);
  const end = { finishedAt: Date.now(), error: "No such file", errorType: "ENOENT" };
  const failed = jobEvent("orchestra.job.failed", "a", end);
  await publish({ ...failed, timestamp: Date.now() });
  await job.getByRole("heading", { name: "Error: ENOENT" }).waitFor();
  await job.getByRole("region", { name: "Events" }).getByText("failed", { exact: true }).waitFor();
  await timeline.getByRole("list").getByText("Failed", { exact: true }).waitFor();
  await workers
    .getByRole("region", { name: "Workers", exact: true })
    .getByText("Failed", { exact: true })
    .waitFor();
  await workers.getByRole("img", { name: "1 job ended in the last hour, 1 of them failed" }).waitFor();
  await health.getByText("Nothing was lost.").waitFor();
});

it("costs the bridge one connection for all its tabs", async () => {
  const { test, tabs, publish } = await start();
  const first = await openPanel(tabs, test.url);
  await isLive(first.page);
  const second = await openPanel(tabs, test.url, "#/workers");
  await isLive(second.page);
  await publish(jobEvent("orchestra.job.created", "a"));
  await first.page.getByRole("link", { name: "Split the parser out" }).waitFor();
  await second.page.getByRole("link", { name: "Split the parser out" }).first().waitFor();
  expect(test.hub.stats().clients).toBe(1);
  await first.page.close();
  await publish(jobEvent("orchestra.job.completed", "a"));
  await second.page.getByText("Succeeded", { exact: true }).first().waitFor();
  expect(test.hub.stats().clients).toBe(1);
});

it("says in words that the server is away, and what to do, in every view", async () => {
  const { test, tabs, publish } = await start();
  await publish(jobEvent("orchestra.job.created", "a"));
  const proxy = await startCuttingProxy(test.port);
  const { page, go } = await openPanel(tabs, proxy.url);
  await isLive(page);
  proxy.block(true);
  proxy.cut();
  const notice = page.getByText("The server does not answer. See whether it still runs").first();
  for (const view of ["#/jobs", "#/jobs/a", "#/timeline", "#/workers", "#/health"]) {
    await go(view);
    await notice.waitFor();
    expect(await page.content()).not.toMatch(/failed to fetch|network ?error/i);
  }
  proxy.block(false);
  await page.getByRole("button", { name: "Try now" }).click();
  await isLive(page);
  await notice.waitFor({ state: "detached" });
});

/** A proxy that says of every request that it comes from another machine, as proxies do. */
async function startProxy(port: number): Promise<string> {
  const server = createServer((request, response) => {
    const headers = { ...request.headers, "x-forwarded-for": "10.0.0.9" };
    const upstream = ask({ port, host: "127.0.0.1", method: request.method, path: request.url, headers });
    upstream.on("response", (answer) => {
      response.writeHead(answer.statusCode as number, answer.headers);
      answer.pipe(response);
    });
    upstream.on("error", () => response.destroy());
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("asks for the token where reading needs it, and then shows the jobs", async () => {
  const { test, tabs, publish } = await start();
  await publish(jobEvent("orchestra.job.created", "a"));
  const { page } = await openPanel(tabs, await startProxy(test.port));
  const signIn = page.getByRole("dialog", { name: "Sign in" });
  await signIn.getByText("shows its jobs only to who has its token").waitFor();
  await signIn.getByLabel("Token").fill(TOKEN);
  expect(await page.getByRole("link", { name: "Split the parser out" }).count()).toBe(0);
  await signIn.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Split the parser out" }).waitFor();
  await isLive(page);
});

it("goes on in every tab when somebody signs in in one", async () => {
  const { test, tabs, publish } = await start();
  await publish(jobEvent("orchestra.job.created", "a"));
  const url = await startProxy(test.port);
  const [one, other] = [await openPanel(tabs, url), await openPanel(tabs, url, "#/workers")];
  for (const { page } of [one, other]) await page.getByRole("dialog", { name: "Sign in" }).waitFor();
  await one.page.bringToFront();
  await one.page.getByLabel("Token").fill(TOKEN);
  await one.page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
  await isLive(one.page);
  await isLive(other.page);
  expect(await other.page.getByRole("dialog").count()).toBe(0);
});

it("counts by the server's clock also after the browser's was set", async () => {
  const { test, tabs, publish } = await start();
  await publish(jobEvent("orchestra.job.started", "a", { startedAt: Date.now() - 90_000 }));
  await tabs.addInitScript(() => {
    const { now } = Date;
    Object.assign(globalThis, { aheadMs: 3_600_000 });
    Date.now = () => now() + (globalThis as never as { aheadMs: number }).aheadMs;
  });
  const { page } = await openPanel(tabs, test.url);
  await isLive(page);
  const time = page.getByRole("row", { name: "coder" }).getByRole("cell").nth(5);
  const shown = async () => /^[12] min \d+ s$/.exec((await time.textContent()) ?? "")?.[0];
  await expect.poll(shown).toBeDefined();
  for (const aheadMs of [0, -7_200_000]) {
    const before = await shown();
    await page.evaluate((ms) => Object.assign(globalThis, { aheadMs: ms }), aheadMs);
    // It goes on, and soon by the right clock again.
    await expect.poll(async () => ![before, undefined].includes(await shown())).toBe(true);
  }
});
