import { beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { connectShared } from "../../../src/client/index.ts";
import type { PageMessage, WorkerMessage } from "../../../src/client/shared-protocol.ts";
import { readShared } from "../../../src/client/shared-source.ts";
import { createManualSchedule } from "../../fixtures/manual-schedule.ts";
import { quiet } from "./client-rig.ts";

/** The page's side of a worker that says what the test says. */
class TestWorker {
  readonly received: PageMessage[] = [];
  isClosed = false;
  onerror: (() => void) | null = null;
  readonly port = {
    onmessage: null as ((event: { data: WorkerMessage }) => void) | null,
    postMessage: (message: PageMessage) => this.received.push(structuredClone(message)),
    close: () => {
      this.isClosed = true;
    },
  };

  event(n: number): void {
    const data = { message: String(n) };
    const event = { version: 1, id: `id-${n}`, type: "orchestra.error", timestamp: 0, data } as const;
    this.port.onmessage?.({ data: { kind: "item", item: { kind: "event", event, cursor: `e-${n}` } } });
  }

  get opened() {
    const [first] = this.received;
    return first?.kind === "open" ? first.subscription : undefined;
  }
}

beforeAll(() => {
  // What a page has and Node has not.
  const page = new EventTarget();
  vi.stubGlobal("location", { href: "http://site/pages/jobs" });
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  return () => void vi.unstubAllGlobals();
});

function read(url = "http://bridge") {
  const workers: TestWorker[] = [];
  const stop = new AbortController();
  const time = createManualSchedule();
  const openWorker = () => {
    const worker = new TestWorker();
    workers.push(worker);
    return worker as never as SharedWorker;
  };
  const options = { url, withSnapshots: true, signal: stop.signal, schedule: time.schedule };
  const items = readShared(options, openWorker);
  onTestFinished(() => stop.abort());
  return { workers, items, stop, time };
}

it("asks the worker for the same, by an address that means the same there", async () => {
  const { workers, items } = read("../bridge");
  items.next();
  await quiet();
  expect(workers[0]?.opened).toEqual({ url: "http://site/bridge", withSnapshots: true });
});

it("means the page's own server by an empty address, whatever the page's own path", async () => {
  const { workers, items } = read("");
  items.next();
  await quiet();
  expect(workers[0]?.opened?.url).toBe("http://site/");
});

it("tells the worker what it has taken, in groups", async () => {
  const { workers, items } = read();
  const first = items.next();
  for (let n = 1; n <= 250; n++) workers[0]?.event(n);
  await first;
  for (let n = 2; n <= 250; n++) await items.next();
  expect(workers[0]?.received.slice(1)).toEqual([
    { kind: "taken", count: 100 },
    { kind: "taken", count: 100 },
  ]);
  items.next();
  await quiet();
  expect(workers[0]?.received.at(-1)).toEqual({ kind: "taken", count: 50 });
});

it("goes on with another worker when one says nothing for two minutes", async () => {
  const { workers, items, time } = read();
  const first = items.next();
  workers[0]?.event(7);
  await first;
  const second = items.next();
  await quiet();
  time.advance(119_999);
  await quiet();
  expect(workers).toHaveLength(1);
  time.advance(1);
  await quiet();
  expect([workers.length, workers[0]?.isClosed, workers[1]?.opened?.from]).toEqual([2, true, "e-7"]);
  workers[1]?.event(8);
  expect((await second).value).toMatchObject({ cursor: "e-8" });
});

it("reads by itself when the worker does not even begin to speak", async () => {
  const fetch = vi.fn(() => new Promise<Response>(() => {}));
  vi.stubGlobal("fetch", fetch);
  const { workers, items, time } = read();
  const first = items.next();
  await quiet();
  time.advance(29_999);
  await quiet();
  expect([workers[0]?.isClosed, fetch.mock.calls.length]).toEqual([false, 0]);
  time.advance(1);
  expect((await first).value).toEqual({ kind: "state", state: { state: "connecting" } });
  items.next();
  await quiet();
  expect([workers.length, workers[0]?.isClosed, fetch.mock.calls.length]).toEqual([1, true, 1]);
});

it("leaves the worker, and nothing on the clock, when it is closed", async () => {
  const { workers, items, stop, time } = read();
  const next = items.next();
  await quiet();
  expect(time.waiting()).toEqual([30_000]);
  stop.abort();
  expect((await next).done).toBe(true);
  expect([workers[0]?.received.at(-1), workers[0]?.isClosed, time.waiting()]).toEqual([
    { kind: "close" },
    true,
    [],
  ]);
});

it("ends also when it is closed while nobody reads", async () => {
  const { workers, items, stop } = read();
  const first = items.next();
  workers[0]?.event(1);
  await first;
  stop.abort();
  expect((await items.next()).done).toBe(true);
});

it("connects by itself where there are no shared workers", async () => {
  const fetch = vi.fn(() => new Promise<Response>(() => {}));
  vi.stubGlobal("fetch", fetch);
  const connection = connectShared({ url: "http://bridge", onEvent: () => {} });
  await quiet();
  expect(fetch).toHaveBeenCalledTimes(1);
  connection.close();
});
