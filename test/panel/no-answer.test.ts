import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge, TOKEN } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { isLive, openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

interface Limits {
  /** Lets the time of all that is asked be over. */
  endLimits: () => void;
}

/** A page whose limits of time are reached when the test says so. */
async function start(hash: string) {
  const test = await startTestBridge({ cancelJob: async () => {} });
  onTestFinished(() => test.close());
  test.publisher.publish(jobEvent("orchestra.job.started", "a"));
  await test.publisher.flush();
  const tabs = await openTabs(browser);
  await tabs.addInitScript(() => {
    const waiting: AbortController[] = [];
    AbortSignal.timeout = () => {
      const controller = new AbortController();
      waiting.push(controller);
      return controller.signal;
    };
    const endLimits = () => {
      for (const controller of waiting) controller.abort(new DOMException("Too late", "TimeoutError"));
    };
    Object.assign(globalThis, { endLimits } satisfies Limits);
  });
  const { page, go } = await openPanel(tabs, test.url, `#token=${TOKEN}`);
  await isLive(page);
  await go(hash);
  return page;
}

const endLimits = (page: Page) => page.evaluate(() => (globalThis as never as Limits).endLimits());

it("does not wait for ever for the answer to a request to cancel", async () => {
  const page = await start("#/jobs/a");
  const asked = Promise.withResolvers<void>();
  await page.route("**/cancel", () => asked.resolve());
  await page.getByRole("article").getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await asked.promise;
  await endLimits(page);
  const unanswered = page.getByRole("dialog", { name: "No answer" });
  await unanswered.getByText("The server does not answer. The job may go on").waitFor();
});

it("says of numbers that could not be asked for anew that they are old, and when they were right", async () => {
  const page = await start("#/health");
  const verdict = page.getByText("Nothing was lost.");
  await verdict.waitFor();
  const asked = Promise.withResolvers<void>();
  await page.route("**/v1/status", () => asked.resolve());
  await asked.promise;
  await endLimits(page);
  await page.getByText(/^These numbers are of \d\d:\d\d:\d\d\./).waitFor();
  expect(await verdict.count()).toBe(0);
  await page.getByRole("region", { name: "Events", exact: true }).waitFor();
  await page.unroute("**/v1/status");
  await verdict.waitFor();
  expect(await page.getByText("These numbers are of").count()).toBe(0);
});
