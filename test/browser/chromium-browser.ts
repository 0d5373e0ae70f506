import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { inject, onTestFinished } from "vitest";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a Chromium over a profile of its own. The caller closes it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: inject("chromium"), args: FLAGS });
}

/** Tabs that share cookies and workers, closed when the running test ends. */
export async function openTabs(browser: Browser): Promise<BrowserContext> {
  // The certificate of the tests is nobody's.
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  onTestFinished(() => context.close());
  return context;
}
