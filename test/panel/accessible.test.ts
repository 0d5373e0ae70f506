import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge } from "../fixtures/bridge.ts";
import { isLive, openPanel } from "./panel-page.ts";
import { SAMPLE_NOW_MS, sampleEvents } from "./sample-jobs.ts";
import { stopTime } from "./stopped-time.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

interface Look {
  scheme: "light" | "dark";
  width: number;
}

const LOOKS: readonly Look[] = [
  { scheme: "light", width: 1280 },
  { scheme: "dark", width: 1280 },
  { scheme: "light", width: 360 },
  { scheme: "dark", width: 360 },
];
const VIEWS = [
  "#/jobs",
  "#/jobs?group=worker&status=failed",
  "#/jobs?q=nothing+like+that",
  "#/jobs/job-cache-1",
  "#/jobs/job-plan",
  "#/jobs/no-such-job",
  "#/timeline",
  "#/workers",
  "#/health",
];

async function start({ scheme, width }: Look, { hasJobs = true, time = SAMPLE_NOW_MS } = {}) {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  for (const event of hasJobs ? sampleEvents() : []) test.publisher.publish(event);
  await test.publisher.flush();
  const tabs = await openTabs(browser, {
    colorScheme: scheme,
    // What is still fading in has other contrasts.
    reducedMotion: "reduce",
    viewport: { width, height: 800 },
  });
  await stopTime(tabs, time);
  const { page, go } = await openPanel(tabs, test.url);
  await isLive(page);
  return { page, go };
}

/** What axe objects to, each with where. */
async function objections(page: Page): Promise<string[]> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))));
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as never as { axe: typeof axe }).axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${location.hash} ${id}: ${target}: ${failureSummary}`),
    );
  });
}

/** How far what is shown reaches beyond the page's width, in pixels. */
const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe.each(LOOKS)("in $scheme at a width of $width", (look) => {
  it("no view breaks a rule or the width of the page", async () => {
    const { page, go } = await start(look);
    for (const view of VIEWS) {
      await go(view);
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await objections(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    }
  });

  it("no dialog and no empty page breaks a rule", async () => {
    const { page, go } = await start(look, { hasJobs: false });
    await page.getByRole("heading", { name: "No jobs yet" }).waitFor();
    expect(await objections(page)).toEqual([]);
    for (const view of ["#/timeline", "#/workers"]) {
      await go(view);
      expect(await objections(page)).toEqual([]);
    }
    for (const name of ["Help", "Settings"]) {
      await page.getByRole("button", { name }).click();
      await page.getByRole("dialog", { name }).waitFor();
      expect(await objections(page)).toEqual([]);
      await page.keyboard.press("Escape");
    }
  });

  it("neither the question nor its answer breaks a rule", async () => {
    const { page, go } = await start(look);
    await go("#/jobs/job-review");
    await page.getByRole("article").getByRole("button", { name: "Cancel", exact: true }).click();
    const question = page.getByRole("dialog", { name: "Cancel this job?" });
    expect(await objections(page)).toEqual([]);
    await question.getByRole("button", { name: "Cancel the job" }).click();
    await question.getByText("This server cannot cancel jobs").waitFor();
    expect(await objections(page)).toEqual([]);
  });
});

it.each([
  [1280, 40],
  [360, 64],
])(
  "at a width of %i, rows of jobs that are long ago are %i pixels high and have room for their times",
  async (width, height) => {
    const { page } = await start({ scheme: "light", width }, { time: SAMPLE_NOW_MS + 400 * 86_400_000 });
    await page.getByRole("cell", { name: "400 d 00 h" }).first().waitFor();
    const rows = await page.getByRole("table").evaluate((table) =>
      [...table.querySelectorAll<HTMLTableRowElement>("tbody tr[aria-rowindex]")].map((row) => ({
        height: row.getBoundingClientRect().height,
        hidden: [...row.cells].slice(5).map((cell) => cell.scrollWidth - cell.clientWidth),
      })),
    );
    expect(rows.length).toBeGreaterThan(5);
    expect(rows).toEqual(rows.map(() => ({ height, hidden: [0, 0] })));
  },
);

describe("by keys alone", () => {
  const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim());

  it("a job is found, opened and left", async () => {
    const { page } = await start({ scheme: "light", width: 1280 });
    await page.keyboard.press("/");
    await page.keyboard.type("release");
    await page.getByText(/^\d+ of 58 jobs/).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await expect.poll(() => focused(page)).toBe("Explain the new cache in the handbook");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => focused(page)).toBe("Write the release notes");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Write the release notes" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText(/^\d+ of 58 jobs/).waitFor();
  });

  it("the ends of a long table are reached", async () => {
    const { page } = await start({ scheme: "light", width: 1280 });
    await page.keyboard.press("j");
    await expect.poll(() => focused(page)).toBe("Explain the new cache in the handbook");
    await page.keyboard.press("End");
    await expect.poll(() => focused(page)).toBe("Update the lock file");
    await page.keyboard.press("PageUp");
    await page.keyboard.press("Home");
    await expect.poll(() => focused(page)).toBe("Explain the new cache in the handbook");
  });

  it("every view and the help are reached, and letters can be switched off", async () => {
    const { page } = await start({ scheme: "light", width: 1280 });
    for (const [key, heading] of [
      ["2", "Timeline"],
      ["3", "Workers and sessions"],
      ["4", "Health"],
      ["1", "Jobs"],
    ] as const) {
      await page.keyboard.press(key);
      await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Help" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByLabel("Single keys are commands").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("3");
    await page.keyboard.press("?");
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))));
    expect(await page.getByRole("heading", { level: 1, name: "Jobs", exact: true }).count()).toBe(1);
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  it("everything that Tab reaches shows that it has the focus", async () => {
    const { page } = await start({ scheme: "light", width: 1280 });
    const seen: string[] = [];
    for (let count = 0; count < 30; count++) {
      await page.keyboard.press("Tab");
      const { name, isShown } = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const ring = (each: Element | null) =>
          each !== null && getComputedStyle(each).outlineStyle !== "none";
        return {
          name: element.tagName,
          isShown: element === document.body || ring(element) || ring(element.closest("label, tr")),
        };
      });
      expect({ name, isShown }).toEqual({ name, isShown: true });
      seen.push(name);
    }
    expect(seen).toEqual(expect.arrayContaining(["A", "BUTTON", "INPUT", "SELECT"]));
  });
});
