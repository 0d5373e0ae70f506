import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge, type TestBridge, TOKEN } from "../fixtures/bridge.ts";
import { START_MS } from "../fixtures/clock.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { isLive, openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

async function publish({ publisher }: TestBridge, ...events: readonly JobEvent[]) {
  for (const event of events) publisher.publish(event);
  await publisher.flush();
}

it("says of a job that its server holds no longer what was last known, and no more", async () => {
  const before = await startTestBridge({ cancelJob: async () => {} });
  await publish(before, jobEvent("orchestra.job.started", "a", { startedAt: START_MS - 90_000 }));
  const { page } = await openPanel(await openTabs(browser), before.url, `#token=${TOKEN}`);
  await page.getByRole("table").getByRole("link").click();
  await isLive(page);
  const head = page.locator(".job-head");
  await head.getByRole("button", { name: "Cancel" }).waitFor();
  await page.getByRole("heading", { name: "Waterfall" }).waitFor();
  const asking = head.getByRole("button", { name: "Cancel" });
  await before.close();
  const log = createMemoryEventLog({ epoch: "f" });
  const after = await startTestBridge({ port: before.port, log, cancelJob: async () => {} });
  onTestFinished(() => after.close());
  await publish(after, jobEvent("orchestra.job.created", "other"));
  await page.getByText("Events were missed").waitFor();
  const notice = page.getByRole("article").getByText("The server holds this job no longer.");
  await notice.waitFor();
  expect(await asking.count()).toBe(0);
  await page.keyboard.press("c");
  expect(await page.getByRole("dialog").count()).toBe(0);
  expect(await head.locator(".job-state").textContent()).toContain("Last known: Running1 min 30 s");
  // It would go on.
  expect(await page.getByRole("heading", { name: "Waterfall" }).count()).toBe(0);
  await publish(after, jobEvent("orchestra.job.started", "a"));
  await asking.waitFor();
  expect(await notice.count()).toBe(0);
});

it("shows a job with events that are ill-made", async () => {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  const illMade = (type: JobEvent["type"], data: object, id: string) => {
    const event = jobEvent(type, "a");
    return { ...event, id, data: { ...event.data, ...data } } as JobEvent;
  };
  await publish(
    test,
    jobEvent("orchestra.job.created", "a"),
    illMade("orchestra.job.progress", { message: 5, percent: "x" }, "ill-1"),
    illMade("orchestra.job.failed", { error: { message: "x" } }, "ill-2"),
  );
  const { page } = await openPanel(await openTabs(browser), test.url, "#/jobs/a");
  await page.getByRole("heading", { name: "Split the parser out", level: 1 }).waitFor();
  await expect.poll(() => page.locator("section.events li").count()).toBe(3);
});

it("shows all of the texts that have left the process, and claims nothing else", async () => {
  const registry = new WorkerJobRegistry();
  const bridge = { port: 0 };
  const telemetry = await startTelemetry({
    env: {},
    traces: false,
    registry,
    bridge,
    captureContent: true,
  });
  onTestFinished(() => telemetry.shutdown());
  telemetry.observe(registry);
  const message = `${"x".repeat(8_999)}y`;
  const { id } = registry.create({ workerId: "coder", message });
  registry.setResult(id, { responseText: message.toUpperCase() });
  await telemetry.flush();
  const { page } = await openPanel(await openTabs(browser), telemetry.url as string, `#/jobs/${id}`);
  const texts = page.locator("section.result .long-text pre");
  await expect.poll(() => texts.allTextContents()).toEqual([message, message.toUpperCase()]);
  expect(await page.locator("section.result").textContent()).not.toContain("did not leave");
});
