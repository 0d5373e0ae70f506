import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createOrchestratorEvent, EVENT_TYPES } from "../../src/event/event.ts";
import { startTestBridge } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { hostileEvents } from "../fixtures/hostile-events.ts";
import { range } from "../fixtures/sse-feed.ts";
import { launchChromium, openTabs } from "./chromium-browser.ts";
import { startSite } from "./site.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

/** Keeps each frame as the browser has read it. */
const PAGE = `
const { url, types } = JSON.parse(decodeURIComponent(location.search.slice(1)));
globalThis.frames_ = [];
const feed = new EventSource(url);
for (const type of types) {
  feed.addEventListener(type, ({ type, data, lastEventId }) => frames_.push({ type, data, lastEventId }));
}
feed.onopen = () => { globalThis.isOpen = true; };
`;

async function start() {
  const site = await startSite({ "/page.js": PAGE });
  const test = await startTestBridge({ allowedOrigins: [site] });
  onTestFinished(() => test.close());
  const proxy = await startCuttingProxy(test.port);
  const page = await (await openTabs(browser)).newPage();
  const options = { url: `${proxy.url}/v1/events`, types: EVENT_TYPES };
  await page.goto(`${site}/?${encodeURIComponent(JSON.stringify(options))}`);
  await page.waitForFunction("globalThis.isOpen");
  const frames = async (count: number) => {
    await page.waitForFunction((count) => (globalThis as never as Globals).frames_.length >= count, count);
    return page.evaluate(() => (globalThis as never as Globals).frames_);
  };
  return { test, proxy, frames };
}

interface Globals {
  frames_: { type: string; data: string; lastEventId: string }[];
}

it("the browser's own EventSource reads every event as it was encoded, whatever is in it", async () => {
  const { test, frames } = await start();
  const hostile = hostileEvents();
  const records: { type: string; data: string; lastEventId: string }[] = [];
  test.publisher.on(({ event, json, cursor }) => {
    records.push({ type: event.type, data: json, lastEventId: cursor });
  });
  for (const event of hostile) test.publisher.publish(event);
  await test.publisher.flush();
  expect(await frames(hostile.length)).toEqual(records);
});

it("the browser's own EventSource goes on where it was", async () => {
  const { test, proxy, frames } = await start();
  const publish = async (from: number, to: number) => {
    for (const message of range(from, to)) {
      test.publisher.publish(createOrchestratorEvent("orchestra.error", { message }));
    }
    await test.publisher.flush();
  };
  await publish(1, 10);
  await frames(10);
  proxy.cut();
  await publish(11, 20);
  const messages = (await frames(20)).map(({ data }) => JSON.parse(data).data.message);
  expect(messages).toEqual(range(1, 20));
});
