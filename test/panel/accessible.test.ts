import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge, TOKEN } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { drawn, isLive, openPanel } from "./panel-page.ts";
import { SAMPLE_NOW_MS, sampleEvents } from "./sample-jobs.ts";
import { stopTime } from "./stopped-time.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

const WIDTHS = [1280, 360];
const SCHEMES = ["light", "dark"] as const;
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

interface Look {
  width: number;
  hasJobs?: boolean;
  time?: number;
}

async function start({ width, hasJobs = true, time = SAMPLE_NOW_MS }: Look) {
  const test = await startTestBridge({ cancelJob: async () => {} });
  onTestFinished(() => test.close());
  const publish = async (events: readonly JobEvent[]) => {
    for (const event of events) test.publisher.publish(event);
    await test.publisher.flush();
  };
  if (hasJobs) await publish(sampleEvents());
  const tabs = await openTabs(browser, {
    // What is still fading in has other contrasts.
    reducedMotion: "reduce",
    viewport: { width, height: 800 },
  });
  await stopTime(tabs, time);
  const proxy = await startCuttingProxy(test.port);
  const { page, go } = await openPanel(tabs, proxy.url);
  await isLive(page);
  return { page, go, publish, proxy };
}

/** What axe objects to, in light and in dark, each with where. */
async function objections(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    await drawn(page);
    found.push(...(await runAxe(page)).map((objection) => `${colorScheme} ${objection}`));
  }
  return found;
}

async function runAxe(page: Page): Promise<string[]> {
  // It is half a megabyte: a page gets it once.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  return page.evaluate(async () => {
    // What is in order is not told in detail.
    const { violations } = await (globalThis as never as { axe: typeof axe }).axe.run({
      resultTypes: ["violations"],
    });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${location.hash} ${id}: ${target}: ${failureSummary}`),
    );
  });
}

/** How far what is shown reaches beyond the page's width, in pixels. */
const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Times of an axis that reach beyond its end. */
const cutTimes = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll(".axis .tick")]
      .filter((tick) => tick.textContent !== "")
      .filter((tick) => {
        const track = tick.parentElement as HTMLElement;
        return tick.getBoundingClientRect().right > track.getBoundingClientRect().right;
      })
      .map((tick) => tick.textContent),
  );

describe.each(WIDTHS)("at a width of %i, in light and in dark", (width) => {
  it("no view breaks a rule or the width of the page", async () => {
    const { page, go, publish } = await start({ width, hasJobs: false });
    await page.getByRole("heading", { name: "No jobs yet" }).waitFor();
    for (const view of ["#/jobs", "#/timeline", "#/workers"]) {
      await go(view);
      expect(await objections(page)).toEqual([]);
    }
    await publish(sampleEvents());
    for (const view of VIEWS) {
      await go(view);
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await objections(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
      expect(await cutTimes(page)).toEqual([]);
    }
  });

  it("no dialog breaks a rule, nor what says that the server is away", async () => {
    const { page, go, publish, proxy } = await start({ width });
    const holds = async (name: string) => {
      await page.getByRole("dialog", { name }).waitFor();
      expect(await objections(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    };
    for (const name of ["Help", "Settings"]) {
      await page.getByRole("button", { name }).click();
      await holds(name);
      await page.keyboard.press("Escape");
    }
    await go("#/jobs/job-review");
    const ask = () => page.getByRole("article").getByRole("button", { name: "Cancel", exact: true }).click();
    await ask();
    await holds("Cancel this job?");
    await page.getByRole("button", { name: "Cancel the job" }).click();
    await holds("Sign in");
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("That is not this server's token.").waitFor();
    await holds("Sign in");
    await page.getByLabel("Token").fill(TOKEN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The job has not ended yet.").waitFor();
    await holds("Canceling the job");
    await publish([jobEvent("orchestra.job.canceled", "job-review")]);
    await holds("Job canceled");
    await page.keyboard.press("Escape");
    await go("#/jobs/job-plan");
    await page.getByRole("article").getByText("job-plan").first().waitFor();
    await ask();
    proxy.block(true);
    proxy.cut();
    await page.getByRole("button", { name: "Cancel the job" }).click();
    await holds("No answer");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Try now" }).waitFor();
    expect(await objections(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });
});

it.each([
  [640, 360],
  [740, 330],
])("in a low window, %i by %i, all of a view can be reached", async (width, height) => {
  const { page, go } = await start({ width });
  await page.setViewportSize({ width, height });
  for (const view of VIEWS) {
    await go(view);
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await objections(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  }
  await go("#/jobs?q=release");
  // It is clicked only where nothing lies over it.
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByText("58 jobs", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Explain the new cache in the handbook" }).click();
  await go("#/timeline");
  await page.getByText(/in this window$/).click();
});

it.each([
  [1280, 40],
  [360, 64],
])(
  "at a width of %i, rows of jobs that are long ago are %i pixels high and have room for their times",
  async (width, height) => {
    const { page } = await start({ width, time: SAMPLE_NOW_MS + 400 * 86_400_000 });
    await page.getByRole("cell", { name: "9600 h 4 min" }).first().waitFor();
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
    const { page } = await start({ width: 1280 });
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
    const { page } = await start({ width: 1280 });
    await page.keyboard.press("j");
    await expect.poll(() => focused(page)).toBe("Explain the new cache in the handbook");
    await page.keyboard.press("End");
    await expect.poll(() => focused(page)).toBe("Update the lock file");
    await page.keyboard.press("PageUp");
    await page.keyboard.press("Home");
    await expect.poll(() => focused(page)).toBe("Explain the new cache in the handbook");
  });

  it("every view and the help are reached, and letters can be switched off", async () => {
    const { page } = await start({ width: 1280 });
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
    await drawn(page);
    expect(await page.getByRole("heading", { level: 1, name: "Jobs", exact: true }).count()).toBe(1);
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  it("everything that Tab reaches shows that it has the focus", async () => {
    const { page } = await start({ width: 1280 });
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
