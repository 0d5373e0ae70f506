import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSseHub } from "../../exporters/sse.ts";
import { reasonOf } from "../../src/errors.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { joinBridge, waitForPort } from "../../src/telemetry-bridge-join.ts";
import { LateBridge } from "../../src/telemetry-bridge-late.ts";
import { bridgeConfigOf, holdPort, JSON_TYPE } from "../fixtures/port-holder.ts";

const closings: (() => unknown)[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "orchestra-join-"));
  closings.push(() => rmSync(folder, { recursive: true }));
});

afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

async function start(options: TelemetryOptions = {}): Promise<Telemetry> {
  const registry = new WorkerJobRegistry();
  const telemetry = await startTelemetry({ env: {}, traces: false, registry, ...options });
  closings.push(() => telemetry.shutdown());
  telemetry.observe(registry);
  return telemetry;
}

const portOf = (telemetry: Telemetry) => Number(new URL(telemetry.url as string).port);
const file = () => join(folder, "events.db");

async function workersAt(url: string | undefined): Promise<string[]> {
  const { jobs } = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: { workerId: string }[] };
  return jobs.map(({ workerId }) => workerId).sort();
}

/** A program that holds a port. */
async function startHolder(answer: RequestListener, host?: string): Promise<number> {
  const { port, close } = await holdPort(answer, { host });
  closings.push(close);
  return port;
}

/** One that answers, but not with a feed. */
function startStranger(asked: IncomingMessage[] = [], host?: string): Promise<number> {
  return startHolder((request, response) => {
    asked.push(request);
    response.end("hello");
  }, host);
}

describe("a telemetry that joins", () => {
  it("leaves the feed to another one of the same data file, and has its jobs in it", async () => {
    const first = await start({ dataFile: file(), bridge: { port: 0 } });
    const second = await start({ dataFile: file(), bridge: { port: portOf(first), join: true } });
    expect(second.url).toBe(first.url);
    expect(second.token).toBeUndefined();
    const seen = new Promise<void>((resolve) => void first.onEvent(() => resolve()));
    second.registry.create({ workerId: "theirs", message: "m" });
    await Promise.all([second.flush(), seen]);
    expect(await workersAt(first.url)).toEqual(["theirs"]);
  });

  it("serves the feed itself when nobody does", async () => {
    const alone = await start({ dataFile: file(), bridge: { port: 0, join: true } });
    const port = portOf(alone);
    await alone.shutdown();
    const next = await start({ dataFile: file(), bridge: { port, join: true } });
    expect(await workersAt(next.url)).toEqual([]);
    expect(portOf(next)).toBe(port);
  });

  it("does not take another one's feed for its own", async () => {
    const first = await start({ dataFile: file(), bridge: { port: 0 } });
    const config = bridgeConfigOf(portOf(first));
    const [log, hub] = [createMemoryEventLog(), createSseHub({ log: createMemoryEventLog() })];
    const options = { config, log, hub, start: () => Promise.reject(new Error("taken")), onError: () => {} };
    expect(await joinBridge(options)).toBeUndefined();
    expect(await joinBridge({ ...options, config: bridgeConfigOf(await startStranger()) })).toBeUndefined();
    const guarded = await start({ bridge: { host: "0.0.0.0", port: 0, token: "a-token-for-tests" } });
    expect(await joinBridge({ ...options, config: bridgeConfigOf(portOf(guarded)) })).toBeUndefined();
    const endless = await startHolder((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write(": \n\n");
    });
    expect(await joinBridge({ ...options, config: bridgeConfigOf(endless) })).toBeUndefined();
  });

  it("does not hand its token to whoever holds the port", async () => {
    const asked: IncomingMessage[] = [];
    const port = await startStranger(asked);
    await start({ bridge: { port, join: true, token: "a-token-for-tests" } });
    expect(new Set(asked.map(({ url, headers }) => `${url} ${headers.authorization}`))).toEqual(
      new Set(["/v1/status undefined"]),
    );
  });

  it("does so off loopback neither, and leaves the feed to whoever asks for a token", async () => {
    const [host, token] = ["0.0.0.0", "a-token-for-tests"];
    const asked: IncomingMessage[] = [];
    const port = await startStranger(asked, host);
    await start({ bridge: { host, port, join: true, token } });
    expect(new Set(asked.map(({ headers }) => headers.authorization))).toEqual(new Set([undefined]));
    const warnings: string[] = [];
    const first = await start({ dataFile: file(), bridge: { host, port: 0, token } });
    const second = await start({
      dataFile: file(),
      bridge: { host, port: portOf(first), token, join: true },
      onWarning: (text) => warnings.push(text),
    });
    expect(second.url).toBe(first.url);
    expect(warnings).toEqual([]);
  });

  it("waits for a port that was asked for and is a stranger's, and says so", async () => {
    const warnings: string[] = [];
    const port = await startStranger();
    const bridge = { port, join: true };
    const telemetry = await start({ bridge, onWarning: (text) => warnings.push(text) });
    expect(telemetry.url).toBe(`http://127.0.0.1:${port}`);
    expect(warnings).toEqual([
      "The bridge failed and its failures are counted from now on: " +
        `Cannot listen on \`127.0.0.1:${port}\`: it is taken by another program (EADDRINUSE); ` +
        "it is looked at every 2 seconds, and the feed is served there once it is free",
    ]);
  });

  it("says no more than that of a port that it does not wait for", async () => {
    const port = await startStranger();
    await expect(start({ bridge: { port } })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      path: "port",
      message: `Cannot listen on \`127.0.0.1:${port}\`: it is taken by another program (EADDRINUSE)`,
    });
  });

  it("goes on asking whoever does not answer, and says so", async () => {
    const log = createMemoryEventLog();
    const { latest } = await log.bounds();
    const requests: ServerResponse[] = [];
    const askedAgain = Promise.withResolvers<void>();
    const port = await startHolder((_, response) => {
      if (requests.push(response) === 2) askedAgain.resolve();
    });
    const errors: unknown[] = [];
    const bridge = await joinBridge({
      config: bridgeConfigOf(port),
      log,
      hub: createSseHub({ log }),
      start: () => Promise.reject(new Error("must not be started")),
      onError: (error) => errors.push(error),
      patienceMs: 20,
      intervalMs: 5,
    });
    expect(bridge?.url).toBe(`http://127.0.0.1:${port}`);
    expect(errors.map(reasonOf)).toEqual([
      `\`127.0.0.1:${port}\` is held by a program that does not answer; ` +
        "it is looked at every 0.005 seconds, and the feed is served there once it is free",
    ]);
    await askedAgain.promise;
    requests
      .at(-1)
      ?.writeHead(200, JSON_TYPE)
      .end(JSON.stringify({ log: { latest } }));
    await bridge?.close();
  });

  it("serves another port once that turns out to be a stranger, where any port will do", async () => {
    const log = createMemoryEventLog();
    const served = Promise.withResolvers<number>();
    let requests = 0;
    const port = await startHolder((_, response) => {
      if (++requests > 2) response.end("hello");
    });
    const bridge = await joinBridge({
      config: { ...bridgeConfigOf(port), portIsDefault: true },
      log,
      hub: createSseHub({ log }),
      start: async (another) => {
        served.resolve(another);
        return { url: "http://own", token: "t", close: async () => {} };
      },
      onError: () => {},
      patienceMs: 20,
      intervalMs: 5,
    });
    expect(await served.promise).toBe(0);
    await bridge?.close();
    expect(bridge?.url).toBe("http://own");
  });

  it("takes the port over when it is free", async () => {
    const first = await start({ dataFile: file(), bridge: { port: 0 } });
    const log = createMemoryEventLog();
    const served = Promise.withResolvers<void>();
    let closed = 0;
    const own = { url: "http://own", token: "t", close: async () => void closed++ };
    const waiting = waitForPort({
      config: bridgeConfigOf(portOf(first)),
      log,
      hub: createSseHub({ log }),
      start: async () => {
        served.resolve();
        return own;
      },
      onError: () => {},
      intervalMs: 5,
    });
    expect(waiting).toMatchObject({ url: first.url, token: undefined });
    await first.shutdown();
    await served.promise;
    await waiting.close();
    expect(waiting).toMatchObject({ url: "http://own", token: "t" });
    expect(closed).toBe(1);
  });

  it("has the code of a bridge loaded long before, as it may have been replaced by then", async () => {
    const first = await start({ dataFile: file(), bridge: { port: 0 } });
    const log = createMemoryEventLog();
    const loaded = Promise.withResolvers<void>();
    const waiting = waitForPort({
      config: bridgeConfigOf(portOf(first)),
      log,
      hub: createSseHub({ log }),
      load: async () => loaded.resolve(),
      start: () => Promise.reject(new Error("must not be started")),
      onError: () => {},
      intervalMs: 5,
    });
    await loaded.promise;
    await waiting.close();
  });
});

describe("a late bridge", () => {
  it("is not waited for, and serves once it may", async () => {
    const gate = Promise.withResolvers<void>();
    const serving = Promise.withResolvers<string>();
    const lateBridge = { after: gate.promise, onServing: serving.resolve };
    const telemetry = await start({ bridge: { port: 0 }, lateBridge });
    telemetry.registry.create({ workerId: "early", message: "m" });
    await telemetry.flush();
    gate.resolve();
    const url = await serving.promise;
    expect(await workersAt(url)).toEqual(["early"]);
    await telemetry.shutdown();
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  it("has the patience to join whoever is busy", async () => {
    const first = await start({ dataFile: file(), bridge: { port: 0 } });
    const status = await (await fetch(`${first.url}/v1/status`)).text();
    const port = await startHolder((_, response) => {
      setTimeout(() => response.writeHead(200, JSON_TYPE).end(status), 1_200);
    });
    const serving = Promise.withResolvers<string>();
    const warnings: string[] = [];
    await start({
      dataFile: file(),
      bridge: { port, join: true },
      lateBridge: { after: Promise.resolve(), onServing: serving.resolve },
      onWarning: (text) => warnings.push(text),
    });
    expect(await serving.promise).toBe(`http://127.0.0.1:${port}`);
    expect(warnings).toEqual([]);
  });

  it("lets go of whoever does not answer when it is closed", async () => {
    const asked = Promise.withResolvers<IncomingMessage>();
    const port = await startHolder((request) => asked.resolve(request));
    const warnings: string[] = [];
    const telemetry = await start({
      bridge: { port, join: true },
      lateBridge: { after: Promise.resolve() },
      onWarning: (text) => warnings.push(text),
    });
    const { socket } = await asked.promise;
    const closed = once(socket, "close");
    await telemetry.shutdown();
    await closed;
    expect(warnings).toEqual([]);
  });

  it("never serves when it was closed before", async () => {
    let isStarted = false;
    const log = createMemoryEventLog();
    const bridge = new LateBridge({ config: bridgeConfigOf(1), hub: createSseHub({ log }) });
    await bridge.close();
    await bridge.begin(
      async () => {
        isStarted = true;
        return undefined;
      },
      () => {},
    );
    expect(isStarted).toBe(false);
  });
});

describe("the tracer of a telemetry", () => {
  it("makes no spans when those are off", async () => {
    const telemetry = await start({ bridge: false });
    expect(telemetry.tracer.startSpan("x").isRecording()).toBe(false);
  });
});
