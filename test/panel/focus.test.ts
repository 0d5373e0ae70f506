import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { isLive, openPanel } from "./panel-page.ts";
import { stopTime } from "./stopped-time.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12);

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

async function start(hash: string, ...events: JobEvent[]) {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  const publish = async (...more: JobEvent[]) => {
    for (const event of more) test.publisher.publish(event);
    await test.publisher.flush();
  };
  await publish(...events);
  const tabs = await openTabs(browser);
  await stopTime(tabs, NOW_MS);
  const { page } = await openPanel(tabs, test.url, hash);
  await isLive(page);
  return { page, tabs, publish };
}

const created = (jobId: string, changes: object = {}) =>
  jobEvent("orchestra.job.created", jobId, { startedAt: NOW_MS, queuedAt: NOW_MS, ...changes });

/** The id, address or text of what has the focus. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const { tagName, id, textContent } = document.activeElement as HTMLElement;
    return [tagName, id || document.activeElement?.getAttribute("href"), textContent];
  });

it("goes to the title of the job that a link in a job leads to, and back, and so does the page's name", async () => {
  const { page } = await start(
    "#/jobs/child",
    created("parent", { message: "Plan the release" }),
    created("child", { message: "Split the parser out", parentJobId: "parent" }),
  );
  const isAt = async (title: string) => {
    await expect.poll(() => focused(page)).toEqual(["H1", "view-title", title]);
    await expect.poll(() => page.title()).toBe(`${title} · orchestra`);
  };
  await isAt("Split the parser out");
  await page.getByRole("region", { name: "Facts" }).getByRole("link", { name: "parent" }).press("Enter");
  await isAt("Plan the release");
  await page.goBack();
  await isAt("Split the parser out");
  await page.getByRole("link", { name: "Workers", exact: true }).press("Enter");
  await expect.poll(() => page.title()).toBe("Workers · orchestra");
});

it("stays at the title when a job that could not be shown comes", async () => {
  const { page, publish } = await start("#/jobs/late");
  await expect
    .poll(() => focused(page))
    .toEqual(["H1", "view-title", expect.stringMatching("cannot be shown")]);
  await publish(created("late"));
  await expect.poll(() => focused(page)).toEqual(["H1", "view-title", "Split the parser out"]);
});

it("stays in the row of the timeline that new ones move out of sight", async () => {
  const old = Array.from({ length: 30 }, (_, index) =>
    created(`old-${index}`, { queuedAt: NOW_MS - 1, startedAt: NOW_MS - 1 }),
  );
  const { page, publish } = await start("#/timeline", ...old);
  const row = page.getByRole("list", { name: "30 jobs" }).getByRole("link").first();
  await row.focus();
  const before = await focused(page);
  expect(before[0]).toBe("A");
  await publish(...Array.from({ length: 90 }, (_, index) => created(`new-${index}`)));
  await page.getByText("120 jobs in this window").waitFor();
  expect(await focused(page)).toEqual(before);
});

it("goes to the timeline's title when its row leaves the window", async () => {
  const { page, tabs } = await start(
    "#/timeline",
    jobEvent("orchestra.job.completed", "a", { startedAt: NOW_MS - 2_000, finishedAt: NOW_MS - 1_000 }),
  );
  await page.getByRole("list", { name: "1 job" }).getByRole("link").focus();
  await tabs.clock.setFixedTime(NOW_MS + 600_000);
  await page.getByText("0 jobs in this window").waitFor();
  await expect.poll(() => focused(page)).toEqual(["H1", "view-title", "Timeline"]);
});
