import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge } from "../fixtures/bridge.ts";
import { openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

const backgroundOf = (page: Page) =>
  page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

it.each([
  ["light", "Dark", "rgb(14, 16, 20)"],
  ["dark", "Light", "rgb(246, 247, 249)"],
] as const)(
  "where the system is %s and %s was chosen, no page begins in the other one",
  async (colorScheme, chosen, background) => {
    const test = await startTestBridge();
    onTestFinished(() => test.close());
    const tabs = await openTabs(browser, { colorScheme });
    const { page } = await openPanel(tabs, test.url);
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("radio", { name: chosen }).check();
    expect(await backgroundOf(page)).toBe(background);
    // The panel itself never comes: what is seen is what is drawn before it.
    await page.route(/\/assets\/index-[^/]+\.js$/, () => {});
    await page.goto(test.url, { waitUntil: "commit" });
    await page.locator("#app").waitFor({ state: "attached" });
    await expect.poll(() => backgroundOf(page)).toBe(background);
    expect(await page.locator("#app").innerHTML()).toBe("");
  },
);
