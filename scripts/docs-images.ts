// What the scripts have in common that draw pictures for the documentation.

import { join } from "node:path";
import type { Browser, BrowserContext, Page, ViewportSize } from "playwright-core";

export const COLOR_SCHEMES = ["light", "dark"] as const;

export type ColorScheme = (typeof COLOR_SCHEMES)[number];

/** Tabs of the control panel that look the same on each machine. */
export function openTabs(
  browser: Browser,
  look: { viewport: ViewportSize; colorScheme: ColorScheme },
): Promise<BrowserContext> {
  return browser.newContext({ ...look, reducedMotion: "reduce", timezoneId: "UTC" });
}

/** Writes what a page shows into `docs/images`. `height`: of which part, from the top. Default: all of it. */
export async function savePicture(
  page: Page,
  { name, colorScheme, height }: { name: string; colorScheme: ColorScheme; height?: number },
): Promise<void> {
  const path = join(import.meta.dirname, `../docs/images/${name}-${colorScheme}.png`);
  const width = page.viewportSize()?.width ?? 0;
  await page.screenshot({ path, ...(height !== undefined && { clip: { x: 0, y: 0, width, height } }) });
}
