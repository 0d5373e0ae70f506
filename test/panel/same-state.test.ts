import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { number } from "../../src/panel/text/format.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge, type TestBridge, type TestBridgeOptions } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { temporaryFolder } from "../fixtures/sqlite-logs.ts";
import { factsOf, shownFacts } from "./panel-facts.ts";
import { isLive, openPanel } from "./panel-page.ts";
import { listedJobs, rowOf, type ShownJob, shownJobs } from "./panel-rows.ts";
import { SAMPLE_NOW_MS, sampleEvents } from "./sample-jobs.ts";
import { stopTime } from "./stopped-time.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

/** Tabs in which it is a moment after the sample, in the time zone of the tests. */
async function openStoppedTabs() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const tabs = await openTabs(browser, { timezoneId: timeZone, viewport: { width: 1280, height: 900 } });
  await stopTime(tabs, SAMPLE_NOW_MS);
  return tabs;
}

async function start(options: TestBridgeOptions = {}) {
  const test = await startTestBridge(options);
  onTestFinished(() => test.close());
  const proxy = await startCuttingProxy(test.port);
  const tabs = await openStoppedTabs();
  return { test, proxy, tabs };
}

async function publish({ publisher }: TestBridge, events: readonly JobEvent[]): Promise<void> {
  for (const event of events) publisher.publish(event);
  await publisher.flush();
}

/** The same events as those of other jobs. */
function copyOf(events: readonly JobEvent[], copy: number): JobEvent[] {
  const rename = (jobId: string | undefined) => jobId && `${jobId}-${copy}`;
  return events.map(
    (event) =>
      ({
        ...event,
        id: `${event.id}-${copy}`,
        data: {
          ...event.data,
          jobId: rename(event.data.jobId),
          parentJobId: rename(event.data.parentJobId),
        },
      }) as JobEvent,
  );
}

async function listedRows(url: string): Promise<ShownJob[]> {
  return (await listedJobs(url)).map((job) => rowOf(job, SAMPLE_NOW_MS));
}

/** The table comes to have a row for each job of the bridge, in its order and with what the bridge knows of it. */
async function showsAll(page: Page, url: string): Promise<void> {
  const expected = await listedRows(url);
  // A browser draws, and so scrolls, only what is in front.
  await page.bringToFront();
  await page.getByText(`${number(expected.length)} jobs`, { exact: true }).waitFor();
  await expect.poll(() => shownJobs(page), { timeout: 30_000 }).toEqual(expected);
}

it("shows the jobs as the server lists them: read at once, and built from events", async () => {
  const { test, tabs } = await start();
  const events = sampleEvents();
  const early = await openPanel(tabs, test.url);
  await isLive(early.page);
  await publish(test, events);
  const late = await openPanel(tabs, test.url);
  await isLive(late.page);
  expect(test.jobs.list({}).jobs).toHaveLength(58);
  for (const { page } of [early, late]) await showsAll(page, test.url);
  await early.page.reload();
  await showsAll(early.page, test.url);
});

it.each(["job-profile", "job-cache-1", "job-cache-2", "job-notes", "job-docs"])(
  "shows everything the server knows of %s, whether read or told",
  async (jobId) => {
    const { test, tabs } = await start();
    const told = await openPanel(tabs, test.url, `#/jobs/${jobId}`);
    await isLive(told.page);
    await publish(test, sampleEvents());
    const read = await openPanel(tabs, test.url, `#/jobs/${jobId}`);
    const job = (await listedJobs(test.url)).find((listed) => listed.jobId === jobId);
    const expected = factsOf(job as NonNullable<typeof job>);
    for (const { page } of [told, read]) {
      await expect.poll(() => shownFacts(page), { timeout: 30_000 }).toEqual(expected);
    }
  },
);

it("catches up with what happened while it was cut off", async () => {
  const { test, proxy, tabs } = await start();
  const events = sampleEvents();
  await publish(test, events.slice(0, 60));
  const { page } = await openPanel(tabs, proxy.url);
  await isLive(page);
  proxy.block(true);
  proxy.cut();
  // As much as an hour brings: thousands of events.
  await publish(test, events.slice(60));
  for (let copy = 1; copy <= 20; copy++) await publish(test, copyOf(events, copy));
  proxy.block(false);
  await showsAll(page, test.url);
  expect(await page.getByText("Events were missed").count()).toBe(0);
});

it("reads the list again after a gap, and says that there was one", async () => {
  const { test, proxy, tabs } = await start({ log: createMemoryEventLog({ epoch: "e", capacity: 50 }) });
  const events = sampleEvents();
  await publish(test, events.slice(0, 40));
  const { page, go } = await openPanel(tabs, proxy.url);
  await isLive(page);
  proxy.block(true);
  proxy.cut();
  await publish(test, events.slice(40));
  proxy.block(false);
  await page.getByText("Events were missed at").waitFor();
  await showsAll(page, test.url);
  await page.getByRole("button", { name: "Dismiss" }).click();
  expect(await page.getByText("Events were missed").count()).toBe(0);
  await go("#/health");
  await page.getByRole("region", { name: "Gaps" }).getByText("no longer reaches back").waitFor();
});

it("goes on after the server has started again on its data file", async () => {
  const dataFile = join(temporaryFolder(), "panel.db");
  const begin = async (port: number) => {
    const registry = new WorkerJobRegistry();
    const telemetry = await startTelemetry({
      env: {},
      traces: false,
      dataFile,
      registry,
      bridge: { port },
    });
    telemetry.observe(registry);
    onTestFinished(() => telemetry.shutdown());
    return { telemetry, registry, url: telemetry.url as string };
  };
  const first = await begin(0);
  for (const event of sampleEvents()) first.telemetry.publish(event);
  const { id } = first.registry.create({ workerId: "coder", message: "Outlive the server" });
  first.registry.setResult(id, { responseText: "Done" });
  await first.telemetry.flush();
  const { page } = await openPanel(await openStoppedTabs(), first.url);
  await isLive(page);
  await showsAll(page, first.url);
  await first.telemetry.shutdown();
  await page.getByRole("link", { name: "Connection: Reconnecting" }).waitFor();
  const second = await begin(Number(new URL(first.url).port));
  second.registry.create({ workerId: "coder", message: "Begin again" });
  await second.telemetry.flush();
  await isLive(page);
  await page.getByRole("link", { name: "Begin again" }).waitFor();
  // Those that were open have been ended: nobody works on them any more.
  expect(second.telemetry.stats().events.appended).toBeGreaterThan(1);
  await showsAll(page, second.url);
  await page.reload();
  await showsAll(page, second.url);
});
