// node scripts/opencode-images/main.ts — draws what the control panel shows of OpenCode into docs/images: of
// a real OpenCode with the packed plugin, and a model that tells a story.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { JobEvent } from "../../src/event/event.ts";
import { startChromium } from "../../test/fixtures/chromium.ts";
import { opencodeBinary } from "../../test/opencode/rig/opencode-binary.ts";
import { installPlugin, PLUGIN } from "../../test/opencode/rig/plugin-package.ts";
import { Stage } from "../../test/opencode/rig/stage.ts";
import { COLOR_SCHEMES, openTabs, savePicture } from "../docs-images.ts";
import { findChromium } from "../find-chromium.ts";
import { AGENTS, ANSWERS, JOBS, LAST, PROMPT } from "./story.ts";

const ALL_JOBS = { width: 1280, height: 442 };
const WHOLE_JOB = { ...ALL_JOBS, height: 1_200 };
/** Below what is to be seen, in pixels. */
const MARGIN = 16;

async function bottomOf(page: Page, name: string): Promise<number> {
  const box = await page.getByRole("region", { name }).boundingBox();
  return (box?.y ?? 0) + (box?.height ?? WHOLE_JOB.height) + MARGIN;
}

const folder = mkdtempSync(join(tmpdir(), "orchestra-plugin-"));
const stage = await Stage.open({
  binary: opencodeBinary(),
  packages: installPlugin(folder),
  plugins: [PLUGIN],
  answers: ANSWERS,
  config: { agent: AGENTS },
});
const browser = await startChromium(findChromium());
try {
  const [server, feed] = [await stage.serve(), stage.feed()];
  const sessionId = await server.createSession();
  await feed.until(({ opened }) => opened > 0);
  // Before anything happens, as marks of progress are those that a page has seen.
  const views = await Promise.all(
    COLOR_SCHEMES.map(async (colorScheme) => {
      const tabs = await openTabs(browser, { viewport: ALL_JOBS, colorScheme });
      const page = await tabs.newPage();
      await page.goto(`${stage.bridge}/#/jobs`);
      await page.getByRole("link", { name: "Connection: Live" }).waitFor();
      return { page, colorScheme };
    }),
  );
  const answered = server.prompt(sessionId, PROMPT);
  await Promise.all([stage.llm.asked(LAST[0], 2), stage.llm.asked(LAST[1], 3)]);
  for (const { page, colorScheme } of views) {
    await page.getByText(`${JOBS} jobs`, { exact: true }).waitFor();
    await savePicture(page, { name: "opencode-jobs", colorScheme });
  }
  stage.llm.release();
  await Promise.all([answered, feed.ended(JOBS)]);
  const { jobId } = (feed.events[0] as JobEvent).data;
  for (const { page, colorScheme } of views) {
    await page.setViewportSize(WHOLE_JOB);
    await page.evaluate((address) => location.replace(address), `#/jobs/${jobId}`);
    await page.getByRole("region", { name: "Events" }).getByText("created").waitFor();
    const height = Math.max(await bottomOf(page, "Waterfall"), await bottomOf(page, "Facts"));
    await savePicture(page, { name: "opencode-trace", colorScheme, height });
  }
  await server.process.kill("SIGTERM");
} finally {
  await browser.close();
  await stage.close();
  rmSync(folder, { recursive: true, force: true });
}
