import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, CDPSession, Page } from "playwright-core";
import { findChromium } from "../../../scripts/find-chromium.ts";
import { findPanel } from "../../../src/bridge/panel-files.ts";
import { startChromium } from "../../fixtures/chromium.ts";
import { type Measurement, median } from "../report.ts";
import { BenchServer } from "./server.ts";

const JOBS = 10_000;
const EVENTS_PER_SECOND = 200;
const FLOOD_PER_SECOND = 2_500;

/** What the control panel costs the browser, in a real one, against a bridge in a process of its own. */
export async function benchPanel({ quick }: { quick: boolean }): Promise<Measurement[]> {
  const browser = await startChromium(findChromium());
  const server = await BenchServer.start();
  try {
    await server.ask({ kind: "fill", jobs: JOBS });
    return [
      { name: "gzippedBytes", value: gzippedBytes(), unit: "bytes", goal: 60_000 },
      ...(await measureFirst(browser, server, quick)),
      ...(await measureRate(browser, server, quick)),
      ...(await measureHeap(browser, server, quick)),
    ];
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** All scripts and styles of the built panel. */
function gzippedBytes(): number {
  const folder = findPanel();
  if (folder === undefined) throw new Error("The panel was not built: run `npm run panel` before");
  const assets = readdirSync(join(folder, "assets")).filter((name) => /\.(js|css)$/.test(name));
  const lengths = assets.map(
    (name) => gzipSync(readFileSync(join(folder, "assets", name)), { level: 9 }).length,
  );
  return lengths.reduce((total, length) => total + length, 0);
}

async function openPage(browser: Browser): Promise<Page> {
  const tabs = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await tabs.newPage();
  // Notes when a job is there to be seen, and each frame that is drawn.
  await page.addInitScript(() => {
    const seen = new Map<string, number>();
    const waits: number[] = [];
    let last = 0;
    const look = (time: number) => {
      if (last > 0) waits.push(time - last);
      last = time;
      for (const link of document.querySelectorAll("table.jobs tbody tr:nth-child(-n + 3) a")) {
        const title = link.textContent ?? "";
        if (!seen.has(title)) seen.set(title, performance.timeOrigin + performance.now());
      }
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    Object.assign(globalThis, { seen, waits });
  });
  return page;
}

interface PageGlobals {
  /** When the job of that title was first there, in milliseconds since the epoch. */
  seen: Map<string, number>;
  /** Milliseconds from frame to frame. */
  waits: number[];
}

async function isLive(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Connection: Live" }).waitFor();
}

/** From the navigation to the first job, and from an event to the page. */
async function measureFirst(browser: Browser, server: BenchServer, quick: boolean): Promise<Measurement[]> {
  const firsts: number[] = [];
  const delays: number[] = [];
  for (let round = 0; round < (quick ? 3 : 9); round++) {
    const page = await openPage(browser);
    await page.goto(`${server.url}/#/jobs`);
    await isLive(page);
    await page.waitForFunction(() => (globalThis as never as PageGlobals).seen.size > 0);
    const first = await page.evaluate(() => {
      const { seen } = globalThis as never as PageGlobals;
      return Math.min(...seen.values()) - performance.timeOrigin;
    });
    firsts.push(first);
    for (let event = 0; event < 5; event++) {
      const title = `Be seen ${round}-${event}`;
      const at = await server.ask({ kind: "tell", title });
      // The link may be there before the page has looked at what it draws.
      const seenAt = await page.waitForFunction(
        (wanted) => (globalThis as never as PageGlobals).seen.get(wanted),
        title,
      );
      delays.push(((await seenAt.jsonValue()) as number) - at);
    }
    await page.context().close();
  }
  return [
    { name: "firstJobMs", value: median(firsts), unit: "ms", goal: 500 },
    { name: "eventToVisibleMs", value: median(delays), unit: "ms", goal: 200 },
    { name: "eventToVisibleMaxMs", value: Math.max(...delays), unit: "ms" },
  ];
}

/** How busy the page's thread is at 200 events a second, with 10,000 jobs, in each view that is drawn by them. */
async function measureRate(browser: Browser, server: BenchServer, quick: boolean): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const view of ["jobs", "timeline", "workers"]) {
    const page = await openPage(browser);
    await page.goto(`${server.url}/#/${view}`);
    await isLive(page);
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    const run = (seconds: number) =>
      server.ask({ kind: "run", count: seconds * EVENTS_PER_SECOND, perSecond: EVENTS_PER_SECOND });
    await run(2);
    await page.evaluate(() => (globalThis as never as PageGlobals).waits.splice(0));
    const before = await metrics(session);
    await run(quick ? 5 : 20);
    const after = await metrics(session);
    const waits = await page.evaluate(() => (globalThis as never as PageGlobals).waits);
    const busy = (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp);
    measurements.push(
      { name: `${view}BusyPercent`, value: 100 * busy, unit: "%", goal: 50 },
      { name: `${view}LongestFrameMs`, value: Math.max(...waits), unit: "ms", goal: 100 },
    );
    await page.context().close();
  }
  return measurements;
}

type Metric = "TaskDuration" | "Timestamp" | "JSHeapUsedSize";

async function metrics(session: CDPSession): Promise<Record<Metric, number>> {
  const { metrics: found } = await session.send("Performance.getMetrics");
  return Object.fromEntries(found.map(({ name, value }) => [name, value])) as Record<Metric, number>;
}

/** What the page holds on to, after each part of many events. */
async function measureHeap(browser: Browser, server: BenchServer, quick: boolean): Promise<Measurement[]> {
  const page = await openPage(browser);
  await page.goto(`${server.url}/#/jobs`);
  await isLive(page);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const part = quick ? 5_000 : 20_000;
  let parts = 0;
  const heapAfter = async () => {
    await server.ask({ kind: "run", count: part, perSecond: FLOOD_PER_SECOND });
    // What is still on its way is not what the page keeps.
    const title = `End part ${++parts}`;
    await server.ask({ kind: "tell", title });
    await page.getByRole("link", { name: title }).waitFor();
    await page.evaluate(() => (globalThis as never as PageGlobals).waits.splice(0));
    await page.evaluate(() => (globalThis as never as PageGlobals).seen.clear());
    // What the first time lets go of may have held on to more.
    for (let time = 0; time < 2; time++) await session.send("HeapProfiler.collectGarbage");
    return (await metrics(session)).JSHeapUsedSize;
  };
  // By then everything that is bounded has reached its bound, or grows too slowly to be seen.
  await heapAfter();
  const warm = await heapAfter();
  const heaps: number[] = [];
  for (let count = 0; count < 5; count++) heaps.push(await heapAfter());
  const changes = heaps.map((heap) => Math.abs(100 * (heap / warm - 1)));
  return [
    { name: "heapChangePercent", value: Math.max(...changes), unit: "%", goal: 10 },
    { name: "heapMB", value: (heaps.at(-1) as number) / 1e6, unit: "MB" },
    { name: "heapEvents", value: 5 * part, unit: "events" },
  ];
}
