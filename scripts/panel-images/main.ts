// npm run -s panel:images — draws each view of the control panel, in light and in dark, into docs/images.

import type { Browser } from "playwright-core";
import { startTestBridge } from "../../test/fixtures/bridge.ts";
import { startChromium } from "../../test/fixtures/chromium.ts";
import { SAMPLE_NOW_MS, sampleEvents } from "../../test/panel/sample-jobs.ts";
import { stopTime } from "../../test/panel/stopped-time.ts";
import { COLOR_SCHEMES, type ColorScheme, openTabs, savePicture } from "../docs-images.ts";
import { findChromium } from "../find-chromium.ts";

const WIDE = { width: 1280, height: 600 };
const NARROW = { width: 360, height: 640 };

const PICTURES = [
  { name: "jobs", hash: "#/jobs", viewport: WIDE },
  { name: "jobs-narrow", hash: "#/jobs", viewport: NARROW },
  { name: "job", hash: "#/jobs/job-cache-1", viewport: { ...WIDE, height: 860 } },
  { name: "timeline", hash: "#/timeline", viewport: { ...WIDE, height: 450 } },
  { name: "workers", hash: "#/workers", viewport: { ...WIDE, height: 820 } },
  { name: "health", hash: "#/health", viewport: { ...WIDE, height: 600 } },
] as const;

type Picture = (typeof PICTURES)[number];

/** Opens the page before anything happens, as marks of progress are those that it has seen. */
async function draw(browser: Browser, { name, hash, viewport }: Picture, colorScheme: ColorScheme) {
  const bridge = await startTestBridge();
  const tabs = await openTabs(browser, { viewport, colorScheme });
  await stopTime(tabs, SAMPLE_NOW_MS);
  const page = await tabs.newPage();
  await page.goto(`${bridge.url}/#/jobs`);
  await page.getByRole("link", { name: "Connection: Live" }).waitFor();
  for (const event of sampleEvents()) bridge.publisher.publish(event);
  await bridge.publisher.flush();
  await page.getByText("58 jobs", { exact: true }).waitFor();
  await page.evaluate((address) => location.replace(address), hash);
  if (name === "health") await page.getByText("Nothing was lost.").waitFor();
  if (name === "job") await page.getByRole("region", { name: "Events" }).getByText("created").waitFor();
  await savePicture(page, { name: `panel-${name}`, colorScheme });
  await tabs.close();
  await bridge.close();
}

const browser = await startChromium(findChromium());
for (const picture of PICTURES) {
  for (const colorScheme of COLOR_SCHEMES) await draw(browser, picture, colorScheme);
}
await browser.close();
