import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { isLive, openPanel } from "./panel-page.ts";
import { shownJobs } from "./panel-rows.ts";
import { SAMPLE_NOW_MS, sampleEvents } from "./sample-jobs.ts";
import { stopTime } from "./stopped-time.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

async function start(hash?: string) {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  for (const event of sampleEvents()) test.publisher.publish(event);
  await test.publisher.flush();
  const tabs = await openTabs(browser, { viewport: { width: 1280, height: 900 } });
  await stopTime(tabs, SAMPLE_NOW_MS);
  const { page, go } = await openPanel(tabs, test.url, hash);
  await isLive(page);
  return { test, tabs, page, go };
}

const idsOf = async (page: Page) => (await shownJobs(page)).map(({ jobId }) => jobId);
const hashOf = (page: Page) => new URL(page.url()).hash;
const WRITER = ["job-docs", "job-notes"];

it("keeps the filters in the address, where a reload and another tab find them", async () => {
  const { test, tabs, page } = await start();
  await page.getByRole("combobox", { name: "Worker" }).selectOption("writer");
  await page.getByText("2 of 58 jobs").waitFor();
  expect(await idsOf(page)).toEqual(WRITER);
  await page.getByRole("button", { name: /^Canceled/ }).click();
  await page.getByText("1 of 58 jobs").waitFor();
  await page.getByLabel("Search jobs").fill("NOTES");
  await page.getByLabel("Group by").selectOption("session");
  await expect.poll(() => hashOf(page)).toBe("#/jobs?status=canceled&worker=writer&q=NOTES&group=session");
  await page.reload();
  const other = await openPanel(tabs, test.url, hashOf(page));
  for (const each of [page, other.page]) {
    await each.getByText("1 of 58 jobs").waitFor();
    await each.getByRole("link", { name: "Write the release notes" }).waitFor();
    expect(await each.getByLabel("Search jobs").inputValue()).toBe("NOTES");
    expect(await each.getByRole("combobox", { name: "Worker" }).inputValue()).toBe("writer");
    expect(await each.getByLabel("Group by").inputValue()).toBe("session");
    const chip = each.getByRole("button", { name: /^Canceled/ });
    expect(await chip.getAttribute("aria-pressed")).toBe("true");
  }
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByText("58 jobs", { exact: true }).waitFor();
  await expect.poll(() => hashOf(page)).toBe("#/jobs?group=session");
});

it("filters what comes, too", async () => {
  const { test, page } = await start("#/jobs?status=succeeded&worker=coder");
  const before = await idsOf(page);
  const events = sampleEvents().filter(({ data }) => data.jobId === "job-routine-1");
  for (const event of events) {
    const id = `${event.id}-again`;
    test.publisher.publish({ ...event, id, data: { ...event.data, jobId: "again" } } as typeof event);
  }
  await test.publisher.flush();
  await page.getByText(`${before.length + 1} of 59 jobs`).waitFor();
  expect(await idsOf(page)).toEqual(["again", ...before]);
});

it("says so when no job fits", async () => {
  const { page } = await start("#/jobs?q=nothing+like+that");
  await page.getByText("No job fits.").waitFor();
  await page.getByText("0 of 58 jobs").waitFor();
});

it("puts jobs together by session, and closes a group", async () => {
  const { page } = await start("#/jobs?group=worker&worker=writer");
  const group = page.getByRole("button", { name: "writer" });
  expect(await group.getAttribute("aria-expanded")).toBe("true");
  expect(await page.getByRole("link", { name: "Write the release notes" }).count()).toBe(1);
  await group.click();
  await expect.poll(() => group.getAttribute("aria-expanded")).toBe("false");
  expect(await page.getByRole("link", { name: "Write the release notes" }).count()).toBe(0);
});

it.each([
  ["#/jobs/job-cache-2", "Keep decoded posting lists in a cache"],
  ["#/timeline?session=ses_release-2.4&minutes=15", "Timeline"],
  ["#/workers", "Workers and sessions"],
  ["#/health", "Health"],
  ["#/no-such-view", "Jobs"],
  ["#/jobs/no-such-job", "This job cannot be shown"],
])("shows what the address %s says, also after a reload", async (hash, heading) => {
  const { page } = await start(hash);
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  expect(hashOf(page)).toBe(hash);
});

it("keeps the timeline's window and session in the address", async () => {
  const { page } = await start("#/timeline");
  await page.getByRole("combobox", { name: "Session" }).selectOption("ses_release-2.4");
  await page.getByText("3 jobs in this window").waitFor();
  await page.getByRole("button", { name: "Last 1 h" }).click();
  await page.getByText(/1\d jobs in this window/).waitFor();
  await expect.poll(() => hashOf(page)).toBe("#/timeline?session=ses_release-2.4&minutes=60");
  await page.getByRole("button", { name: "Zoom in" }).click();
  await expect.poll(() => hashOf(page)).toMatch(/^#\/timeline\?session=ses_release-2\.4&from=\d+&to=\d+$/);
  const rows = page.getByRole("list", { name: /job/ }).getByRole("link");
  const before = await rows.allTextContents();
  await page.reload();
  await expect.poll(() => rows.allTextContents()).toEqual(before);
});

it("goes back to the list as it was looked at", async () => {
  const { page } = await start("#/jobs?worker=writer");
  await page.getByRole("link", { name: "Write the release notes" }).click();
  await page.getByRole("heading", { level: 1, name: "Write the release notes" }).waitFor();
  await page.goBack();
  await page.getByText("2 of 58 jobs").waitFor();
  await page.goForward();
  await page.getByRole("article").getByRole("link", { name: "Jobs", exact: true }).click();
  await page.getByText("2 of 58 jobs").waitFor();
});

it("has the search and the choices in one row wherever there is room for a table, and room for the search anyway", async () => {
  const { test, page } = await start();
  // As many as make the counts wide.
  const ids = Array.from({ length: 1_200 }, (_, index) => `many-${index}`);
  for (const id of ids) test.publisher.publish(jobEvent("orchestra.job.completed", id));
  await test.publisher.flush();
  await page.getByText("1,258 jobs", { exact: true }).waitFor();
  for (const width of [761, 900, 1_100, 1_200, 1_280, 1_440, 3_840]) {
    await page.setViewportSize({ width, height: 800 });
    const tops = await page
      .getByRole("search")
      .locator("label")
      .evaluateAll((fields) => fields.map((field) => field.getBoundingClientRect().top));
    expect({ width, tops }).toEqual({ width, tops: Array(4).fill(tops[0]) });
  }
  await page.setViewportSize({ width: 360, height: 800 });
  const search = await page.getByRole("searchbox").boundingBox();
  expect(search?.width).toBeGreaterThan(180);
});

it("leaves the search as it is by Esc", async () => {
  const { page } = await start();
  await page.keyboard.press("/");
  await page.keyboard.type("notes");
  await page.getByText("1 of 58 jobs").waitFor();
  await page.keyboard.press("Escape");
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("BODY");
  expect(await page.getByLabel("Search jobs").inputValue()).toBe("notes");
});

it("goes back to the filters as they were when a job was opened, however soon after", async () => {
  const { page } = await start();
  await page.getByLabel("Search jobs").evaluate((field: HTMLInputElement) => {
    // All before the address is written a second time.
    for (const text of ["n", "no", "notes"]) {
      field.value = text;
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }
    document.querySelector<HTMLElement>("table a")?.click();
  });
  await page.getByRole("article").waitFor();
  await page.goBack();
  await page.getByText("1 of 58 jobs").waitFor();
  expect(await page.getByLabel("Search jobs").inputValue()).toBe("notes");
});
