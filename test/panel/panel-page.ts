import type { BrowserContext, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";

/** A page of the panel; the running test fails when something in it goes wrong that must never do. */
export interface PanelPage {
  page: Page;
  /** Shows another view, such as `#/timeline`, without loading the page anew. */
  go: (hash: string) => Promise<void>;
}

/** What tests find in the page itself. */
export interface PanelGlobals {
  /** Resolves when what has changed was drawn. */
  drawn: () => Promise<void>;
}

/** Answers that are no success are told of in the console; which of them are right the tests know. */
const ANSWERED = /^Failed to load resource/;

/**
 * Opens the panel of `url`. At the end of the test there must have been no exception, no dialog, no complaint
 * in the console, nothing that the content security policy forbids, and no request to anybody else.
 */
export async function openPanel(tabs: BrowserContext, url: string, hash = "#/jobs"): Promise<PanelPage> {
  const page = await tabs.newPage();
  page.setDefaultTimeout(15_000);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`exception: ${error.stack}`));
  page.on("dialog", async (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("console", (message) => {
    const isFault = message.type() === "error" && !ANSWERED.test(message.text());
    if (isFault) faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`)) faults.push(`request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    const drawn = () => new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    Object.assign(globalThis, { drawn } satisfies PanelGlobals);
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      // biome-ignore lint/suspicious/noConsole: the page's way to the test.
      console.error(`forbidden by ${violatedDirective}: ${blockedURI}`);
    });
  });
  onTestFinished(() => expect(faults).toEqual([]));
  await page.goto(`${url}/${hash}`);
  return {
    page,
    go: async (next) => {
      await page.evaluate((address) => {
        location.hash = address;
      }, next);
    },
  };
}

/** Resolves once the page follows the feed. */
export async function isLive(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Connection: Live" }).waitFor();
}

/** Resolves when what has changed was drawn. */
export const drawn = (page: Page): Promise<void> =>
  page.evaluate(() => (globalThis as never as PanelGlobals).drawn());
