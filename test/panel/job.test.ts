import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge, type TestBridgeOptions } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { drawn, isLive, openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

async function start(events: readonly JobEvent[], hash: string, options: TestBridgeOptions = {}) {
  const test = await startTestBridge(options);
  onTestFinished(() => test.close());
  for (const event of events) test.publisher.publish(event);
  await test.publisher.flush();
  const { page, go } = await openPanel(await openTabs(browser), test.url, hash);
  await isLive(page);
  return { test, page, go };
}

/** A prompt, its subagent, and the subagent's own, which belongs to the session that its parent runs in. */
const NESTED = [
  jobEvent("orchestra.job.created", "prompt", { message: "Prompt", sessionId: "a" }),
  jobEvent("orchestra.job.created", "task", { message: "Task", sessionId: "a", parentJobId: "prompt" }),
  jobEvent("orchestra.job.created", "nested", { message: "Nested", sessionId: "b", parentJobId: "task" }),
  jobEvent("orchestra.job.created", "beside", { message: "Beside", sessionId: "a" }),
];

it("shows in the waterfall all that came of a job, whatever session that is in", async () => {
  const { page, go } = await start(NESTED, "#/jobs/prompt");
  const titles = () => page.locator(".waterfall .timeline-row a .cut").allTextContents();
  // The job itself may be here before the list is.
  await expect.poll(titles).toEqual(["Prompt", "Task", "Nested"]);
  await go("#/jobs/task");
  await expect.poll(titles).toEqual(["Task", "Nested"]);
});

it("shows in the timeline of a session all that came of its jobs", async () => {
  const { page, go } = await start(NESTED, "#/timeline?session=a");
  const titles = () => page.locator(".timeline-row a .cut").allTextContents();
  await page.getByText("4 jobs in this window").waitFor();
  expect((await titles()).sort()).toEqual(["Beside", "Nested", "Prompt", "Task"]);
  await go("#/timeline?session=b");
  await page.getByText("1 job in this window").waitFor();
  expect(await titles()).toEqual(["Nested"]);
});

it("shows a bar of progress that nobody knows the end of only while the job runs", async () => {
  const progress = { percent: undefined, current: undefined, total: undefined };
  const story = (id: string, more: object) => [
    jobEvent("orchestra.job.created", id),
    jobEvent("orchestra.job.progress", id, { ...progress, ...more }),
  ];
  const events = [
    ...story("open", {}),
    ...story("done", {}),
    jobEvent("orchestra.job.completed", "done"),
    ...story("broken", { percent: 60 }),
    jobEvent("orchestra.job.failed", "broken"),
  ];
  const { page, go } = await start(events, "#/jobs/open");
  const bars = page.locator(".result-progress .bar");
  const part = page.getByRole("heading", { name: "Progress" });
  await part.waitFor();
  expect(await bars.count()).toBe(1);
  await go("#/jobs/done");
  await page.locator(".job-state").getByText("Succeeded").waitFor();
  await part.waitFor();
  expect(await bars.count()).toBe(0);
  await go("#/jobs/broken");
  await expect.poll(() => page.locator(".bar-done").getAttribute("style")).toBe("width: 60%;");
});

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACED = [
  {
    ...jobEvent("orchestra.job.created", "traced"),
    traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
  } as JobEvent,
];

it("links to the trace where the bridge says it is shown, unless the browser's settings say otherwise", async () => {
  const traceUrl = "http://localhost:16686/trace/{traceId}";
  const { page } = await start(TRACED, "#/jobs/traced", { traceUrl });
  const link = page.getByRole("link", { name: "Open trace" });
  await link.waitFor();
  expect(await link.getAttribute("href")).toBe(`http://localhost:16686/trace/${TRACE}`);
  await page.getByRole("button", { name: "Settings" }).click();
  const field = page.getByLabel("Address of a trace");
  expect(await field.inputValue()).toBe("");
  expect(await field.getAttribute("placeholder")).toBe(traceUrl);
  await field.fill("https://own.example/{traceId}");
  await expect.poll(() => link.getAttribute("href")).toBe(`https://own.example/${TRACE}`);
  await page.reload();
  await link.waitFor();
  expect(await link.getAttribute("href")).toBe(`https://own.example/${TRACE}`);
});

it("links to no address that a bridge must not tell", async () => {
  // The bridge of a program without types, which has not checked it.
  const traceUrl = "javascript:alert('{traceId}')";
  const { page } = await start(TRACED, "#/jobs/traced", { traceUrl });
  const answered = page.waitForResponse((response) => response.url().endsWith("/v1/status"));
  await page.reload();
  await answered;
  await isLive(page);
  await page.getByRole("heading", { name: "Waterfall" }).waitFor();
  await drawn(page);
  expect(await page.getByRole("link", { name: "Open trace" }).count()).toBe(0);
});
