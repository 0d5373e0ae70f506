import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createOrchestratorEvent } from "../../src/event/event.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { startTestBridge, type TestBridge, type TestBridgeOptions, TOKEN } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { range } from "../fixtures/sse-feed.ts";
import { TLS } from "../fixtures/tls-files.ts";
import { launchChromium, openTabs } from "./chromium-browser.ts";
import type { PageOptions } from "./client-page.ts";
import { bundle, startSite } from "./site.ts";

let browser: Browser;
let scripts: Record<string, string>;

beforeAll(async () => {
  browser = await launchChromium();
  scripts = {
    "/page.js": await bundle("test/browser/client-page.ts"),
    "/worker.js": await bundle("orchestra-otel/client/shared-worker"),
  };
}, 60_000);

afterAll(() => browser.close());

/** A site, a bridge that lets its pages in, and a browser to open them in. */
async function start(options: TestBridgeOptions = {}) {
  const site = await startSite(scripts);
  const test = await startTestBridge({ allowedOrigins: [site], ...options });
  onTestFinished(() => test.close());
  const tabs = await openTabs(browser);
  return { site, test, tabs };
}

async function open(tabs: BrowserContext, site: string, options: PageOptions): Promise<Page> {
  const page = await tabs.newPage();
  await page.goto(`${site}/?${encodeURIComponent(JSON.stringify(options))}`);
  return page;
}

interface PageGlobals {
  told: string[];
  connection: { close(): void };
}

/** Resolves once the page was told this. */
async function sees(page: Page, text: string): Promise<void> {
  await page.waitForFunction((wanted) => (globalThis as never as PageGlobals).told?.includes(wanted), text);
}

async function events(page: Page): Promise<string[]> {
  const told = await page.evaluate(() => (globalThis as never as PageGlobals).told);
  return told.filter((text) => !text.startsWith("("));
}

async function publish({ publisher }: TestBridge, from: number, to: number): Promise<void> {
  for (const n of range(from, to))
    publisher.publish(createOrchestratorEvent("orchestra.error", { message: n }));
  await publisher.flush();
}

const clientsOf = (test: TestBridge) => expect.poll(() => test.hub.stats().clients, { timeout: 10_000 });

describe("a page of another origin", () => {
  it("gets the jobs and the events, with the token", async () => {
    const { site, test, tabs } = await start();
    test.publisher.publish(jobEvent("orchestra.job.created", "a"));
    await test.publisher.flush();
    const page = await open(tabs, site, { url: test.url, token: TOKEN, snapshots: true });
    await sees(page, "(open)");
    await publish(test, 1, 100);
    await sees(page, "100");
    expect(await events(page)).toEqual(["jobs a", ...range(1, 100)]);
  });

  it("is told why it is refused", async () => {
    const { site, test, tabs } = await start();
    const page = await open(tabs, site, { url: test.url, filters: { types: ["orchestra.bogus"] } });
    await sees(page, "(closed)");
    expect((await events(page))[0]).toMatch(/^error FeedError: 400 INVALID_ARGUMENT: .*orchestra\.bogus/);
  });

  it("goes on where it was when its connection is cut", async () => {
    const { site, test, tabs } = await start();
    const proxy = await startCuttingProxy(test.port);
    const page = await open(tabs, site, { url: proxy.url });
    await sees(page, "(open)");
    await publish(test, 1, 10);
    await sees(page, "10");
    proxy.cut();
    await publish(test, 11, 20);
    await sees(page, "20");
    expect(await events(page)).toEqual(range(1, 20));
  });

  it("is told of what it missed", async () => {
    const { site, test, tabs } = await start({ log: createMemoryEventLog({ epoch: "e", capacity: 5 }) });
    await publish(test, 1, 20);
    const page = await open(tabs, site, { url: test.url, from: "e-2" });
    await sees(page, "20");
    expect(await events(page)).toEqual(["gap evicted", ...range(16, 20)]);
  });

  it("leaves when it is closed", async () => {
    const { site, test, tabs } = await start();
    const page = await open(tabs, site, { url: test.url });
    await sees(page, "(open)");
    await page.evaluate(() => (globalThis as never as PageGlobals).connection.close());
    await clientsOf(test).toBe(0);
  });
});

it("more than six tabs of their own are well served over HTTP/2", async () => {
  const { site, test, tabs } = await start({ tls: TLS });
  const pages = await Promise.all(range(1, 8).map(() => open(tabs, site, { url: test.url, token: TOKEN })));
  for (const page of pages) await sees(page, "(open)");
  await publish(test, 1, 20);
  for (const page of pages) await sees(page, "20");
  expect(test.hub.stats().clients).toBe(8);
  for (const page of pages) expect(await events(page)).toEqual(range(1, 20));
});

describe("tabs that share a worker", () => {
  const shared = { shared: true, workerUrl: "/worker.js" };

  it("cost the bridge one connection, and each sees every event once", async () => {
    const { site, test, tabs } = await start();
    test.publisher.publish(jobEvent("orchestra.job.created", "a"));
    await test.publisher.flush();
    const options = { ...shared, url: test.url, token: TOKEN, snapshots: true };
    const first = await open(tabs, site, options);
    await sees(first, "(open)");
    await publish(test, 1, 10);
    await sees(first, "10");
    const others = await Promise.all(range(2, 8).map(() => open(tabs, site, options)));
    for (const page of others) await sees(page, "(open)");
    await publish(test, 11, 50);
    for (const page of [first, ...others]) await sees(page, "50");
    await clientsOf(test).toBe(1);
    await publish(test, 51, 60);
    for (const page of [first, ...others]) await sees(page, "60");
    expect(await events(first)).toEqual(["jobs a", ...range(1, 60)]);
    for (const page of others) expect(await events(page)).toEqual(["jobs a", ...range(11, 60)]);
    expect(test.hub.stats().clients).toBe(1);
  });

  it("keep it while one of them is there", async () => {
    const { site, test, tabs } = await start();
    const pages = [await open(tabs, site, { ...shared, url: test.url })];
    await sees(pages[0] as Page, "(open)");
    pages.push(await open(tabs, site, { ...shared, url: test.url }));
    await sees(pages[1] as Page, "(open)");
    await clientsOf(test).toBe(1);
    await pages[0]?.close();
    await publish(test, 1, 5);
    await sees(pages[1] as Page, "5");
    expect(await events(pages[1] as Page)).toEqual(range(1, 5));
    expect(test.hub.stats().clients).toBe(1);
    await pages[1]?.evaluate(() => (globalThis as never as PageGlobals).connection.close());
    await clientsOf(test).toBe(0);
  });

  it("go on where they were when the connection is cut", async () => {
    const { site, test, tabs } = await start();
    const proxy = await startCuttingProxy(test.port);
    const pages = [
      await open(tabs, site, { ...shared, url: proxy.url }),
      await open(tabs, site, { ...shared, url: proxy.url }),
    ];
    for (const page of pages) await sees(page, "(open)");
    await clientsOf(test).toBe(1);
    await publish(test, 1, 10);
    for (const page of pages) await sees(page, "10");
    proxy.cut();
    await publish(test, 11, 20);
    for (const page of pages) {
      await sees(page, "20");
      expect(await events(page)).toEqual(range(1, 20));
    }
  });

  it("are told why they are refused", async () => {
    const { site, test, tabs } = await start();
    const options = { ...shared, url: test.url, filters: { types: ["orchestra.bogus"] } };
    const page = await open(tabs, site, options);
    await sees(page, "(closed)");
    expect((await events(page))[0]).toMatch(/^error FeedError: 400 INVALID_ARGUMENT/);
  });

  it("miss nothing while they are put aside", async () => {
    const { site, test, tabs } = await start();
    const page = await open(tabs, site, { ...shared, url: test.url });
    await sees(page, "(open)");
    await publish(test, 1, 5);
    await sees(page, "5");
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    await clientsOf(test).toBe(0);
    await publish(test, 6, 9);
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await sees(page, "9");
    expect(await events(page)).toEqual(range(1, 9));
  });

  it.each([
    ["that cannot be loaded", "/missing.js", ""],
    ["that may not be started", "https://elsewhere.example/worker.js", ""],
  ])("connect by themselves without a worker: one %s", async (_name, workerUrl) => {
    const { site, test, tabs } = await start();
    const page = await open(tabs, site, { shared: true, workerUrl, url: test.url });
    await sees(page, "(open)");
    await publish(test, 1, 5);
    await sees(page, "5");
    expect(await events(page)).toEqual(range(1, 5));
  });
});
