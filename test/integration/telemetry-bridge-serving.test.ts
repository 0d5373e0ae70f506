import type { RequestListener } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createSseHub } from "../../exporters/sse.ts";
import type { SettledBridgeConfig } from "../../src/config-bridge.ts";
import { reasonOf } from "../../src/errors.ts";
import { JobTable } from "../../src/event/job-table.ts";
import { EventPublisher } from "../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { Content } from "../../src/lifecycle/content.ts";
import { startTelemetryBridge, startTelemetryBridgeLate } from "../../src/telemetry-bridge.ts";
import { answerJson, bridgeConfigOf, holdPort } from "../fixtures/port-holder.ts";
import { TLS } from "../fixtures/tls-files.ts";

const closings: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

/** What was told, and what will be told next. */
class Ear<T> {
  readonly heard: T[] = [];
  #next = Promise.withResolvers<T>();

  readonly hear = (what: T) => {
    this.heard.push(what);
    this.#next.resolve(what);
    this.#next = Promise.withResolvers<T>();
  };

  next(): Promise<T> {
    return this.#next.promise;
  }
}

/** What a bridge is started with, and what it tells. */
function createRig() {
  const log = createMemoryEventLog();
  const hub = createSseHub({ log });
  const errors = new Ear<string>();
  const onError = (error: unknown) => errors.hear(reasonOf(error));
  const publisher = new EventPublisher({ log, sinks: [hub], source: "test", onError });
  closings.push(() => publisher.shutdown());
  const content = new Content({ captureContent: false, previewLength: 100 });
  const [registry, jobs] = [new WorkerJobRegistry(), new JobTable()];
  const parts = { hub, jobs, publisher, registry, content, status: () => ({}), cancelJob: () => {}, onError };
  return { log, parts, errors, places: new Ear<string>() };
}

type Rig = ReturnType<typeof createRig>;

async function startBridge(
  { parts, places }: Rig,
  config: SettledBridgeConfig,
  onServing: (url: string) => void = places.hear,
) {
  const bridge = await startTelemetryBridge(config, parts, { patienceMs: 40, intervalMs: 5, onServing });
  closings.push(() => bridge.close());
  return bridge;
}

async function hold(answer: RequestListener) {
  const holder = await holdPort(answer);
  closings.push(() => holder.close().catch(() => {}));
  return holder;
}

const joining = (port: number, portIsDefault = false) => ({
  ...bridgeConfigOf(port),
  join: true,
  portIsDefault,
});

const isOurs = async (url: string) => (await (await fetch(`${url}/healthz`)).text()) !== "hello";

describe("where the feed is", () => {
  it("is told when it is served, and of no place that is a stranger's", async () => {
    const rig = createRig();
    const stranger = await hold((_, response) => response.end("hello"));
    const bridge = await startBridge(rig, joining(stranger.port));
    expect(bridge.url).toBe(`http://127.0.0.1:${stranger.port}`);
    expect(rig.places.heard).toEqual([]);
    const told = rig.places.next();
    await stranger.close();
    expect(await told).toBe(bridge.url);
    expect(await isOurs(bridge.url)).toBe(true);
  });

  it("is told of the free port that is served beside a stranger who was silent at first", async () => {
    const rig = createRig();
    let isSilent = true;
    const stranger = await hold((_, response) => void (isSilent || response.end("hello")));
    const bridge = await startBridge(rig, joining(stranger.port, true));
    expect(rig.places.heard).toEqual([]);
    const told = rig.places.next();
    isSilent = false;
    const url = await told;
    expect(url).not.toBe(`http://127.0.0.1:${stranger.port}`);
    expect(await isOurs(url)).toBe(true);
    expect(rig.places.heard).toEqual([url]);
    await bridge.close();
  });

  it("is told when one of ours serves it, and when we do afterwards", async () => {
    const rig = createRig();
    const { latest } = await rig.log.bounds();
    const other = await hold(answerJson({ log: { latest } }));
    const { url } = await startBridge(rig, joining(other.port));
    expect(rig.places.heard).toEqual([url]);
    const told = rig.places.next();
    await other.close();
    expect(await told).toBe(url);
    expect(await isOurs(url)).toBe(true);
  });

  it("is told once one of ours has taken the place of a stranger", async () => {
    const rig = createRig();
    const { latest } = await rig.log.bounds();
    let answer: RequestListener = (_, response) => response.end("hello");
    const holder = await hold((request, response) => answer(request, response));
    const { url } = await startBridge(rig, joining(holder.port));
    const told = rig.places.next();
    answer = answerJson({ log: { latest } });
    expect(await told).toBe(url);
  });

  it("is another port once a stranger has taken the place of one of ours", async () => {
    const rig = createRig();
    const { latest } = await rig.log.bounds();
    let answer = answerJson({ log: { latest } });
    const holder = await hold((request, response) => answer(request, response));
    const place = `127.0.0.1:${holder.port}`;
    await startBridge(rig, joining(holder.port, true));
    expect(rig.places.heard).toEqual([`http://${place}`]);
    const [told, said] = [rig.places.next(), rig.errors.next()];
    answer = (_, response) => response.end("hello");
    const url = await told;
    expect(await isOurs(url)).toBe(true);
    expect(await said).toBe(`\`${place}\` is held by another program; the feed is at ${url}`);
  });

  it("stays where it is when one of ours breaks off a single answer", async () => {
    const rig = createRig();
    const { latest } = await rig.log.bounds();
    let asked = 0;
    const enough = Promise.withResolvers<void>();
    const holder = await hold((request, response) => {
      asked += 1;
      if (asked === 4) enough.resolve();
      if (asked === 2) request.socket.destroy();
      else answerJson({ log: { latest } })(request, response);
    });
    const bridge = await startBridge(rig, joining(holder.port, true));
    await enough.promise;
    expect(bridge.url).toBe(`http://127.0.0.1:${holder.port}`);
    expect(rig.errors.heard).toEqual([]);
    expect(rig.places.heard).toEqual([bridge.url]);
  });

  it("is waited for, and that is told, when a stranger takes an asked-for port from one of ours", async () => {
    const rig = createRig();
    const { latest } = await rig.log.bounds();
    let answer = answerJson({ log: { latest } });
    const holder = await hold((request, response) => answer(request, response));
    const bridge = await startBridge(rig, joining(holder.port));
    const said = rig.errors.next();
    answer = (_, response) => response.end("hello");
    expect(await said).toBe(
      `\`127.0.0.1:${holder.port}\` is held by another program; ` +
        "it is looked at every 0.005 seconds, and the feed is served there once it is free",
    );
    const told = rig.places.next();
    await holder.close();
    expect(await told).toBe(bridge.url);
  });

  it("is served also when whoever is told fails", async () => {
    const rig = createRig();
    const { url } = await startBridge(rig, joining(0), () => {
      throw new Error("no ears");
    });
    expect(rig.errors.heard).toEqual(["no ears"]);
    expect(await isOurs(url)).toBe(true);
  });
});

describe("a late bridge that cannot be started", () => {
  const startLate = ({ parts, places }: Rig, config: SettledBridgeConfig) => {
    const late = { after: Promise.resolve(), onServing: places.hear, intervalMs: 5 };
    const bridge = startTelemetryBridgeLate(config, parts, late);
    closings.push(() => bridge.close());
  };
  /** What a process has that cannot open anything the first time. */
  function failingOnce(): readonly string[] {
    let hasFailed = false;
    const map = () => {
      if (hasFailed) return [];
      hasFailed = true;
      throw new Error("EMFILE: too many open files");
    };
    return Object.assign([], { map });
  }

  it("is tried again where the port is waited for, and that is told once", async () => {
    const rig = createRig();
    const { port, close } = await hold(answerJson({}));
    await close();
    const told = rig.places.next();
    startLate(rig, { ...joining(port), allowedHosts: failingOnce() });
    expect(await told).toBe(`http://127.0.0.1:${port}`);
    expect(await isOurs(await told)).toBe(true);
    expect(rig.errors.heard).toEqual([
      `\`127.0.0.1:${port}\` cannot be served (EMFILE: too many open files); ` +
        "it is looked at every 0.005 seconds, and the feed is served there once it is free",
    ]);
  });

  it("is given up when what it was given cannot be used", async () => {
    const rig = createRig();
    const { port, close } = await hold(answerJson({}));
    await close();
    const first = rig.errors.next();
    startLate(rig, { ...joining(port), tls: { ...TLS, key: TLS.otherKey } });
    expect(await first).toMatch(/^The certificate or key/);
    expect(rig.errors.heard).toHaveLength(1);
  });
});
