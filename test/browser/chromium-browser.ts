import type { Browser, BrowserContext, BrowserContextOptions } from "playwright-core";
import { inject, onTestFinished } from "vitest";
import { startChromium } from "../fixtures/chromium.ts";

/** Starts a Chromium over a profile of its own. The caller closes it. */
export function launchChromium(): Promise<Browser> {
  return startChromium(inject("chromium"));
}

/** Tabs that share cookies and workers, closed when the running test ends. */
export async function openTabs(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  // The certificate of the tests is nobody's.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  onTestFinished(() => context.close());
  return context;
}
