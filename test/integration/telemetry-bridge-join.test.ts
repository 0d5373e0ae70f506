import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSseHub } from "../../exporters/sse.ts";
import { readConfig } from "../../src/config.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { joinBridge, waitForPort } from "../../src/telemetry-bridge-join.ts";
import { LateBridge } from "../../src/telemetry-bridge-late.ts";

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

/** A program that answers, but not with a feed. */
async function startStranger(asked: IncomingMessage[] = []): Promise<number> {
  const server = createServer((request, response) => {
    asked.push(request);
    response.end("hello");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closings.push(() => server.close());
  return (server.address() as AddressInfo).port;
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
    const config = configOf(portOf(first));
    const [log, hub] = [createMemoryEventLog(), createSseHub({ log: createMemoryEventLog() })];
    const options = { config, log, hub, start: () => Promise.reject(new Error("taken")), onError: () => {} };
    expect(await joinBridge(options)).toBeUndefined();
    expect(await joinBridge({ ...options, config: configOf(await startStranger()) })).toBeUndefined();
  });

  it("does not hand its token to whoever holds the port", async () => {
    const asked: IncomingMessage[] = [];
    const port = await startStranger(asked);
    await start({ bridge: { port, join: true, token: "a-token-for-tests" } });
    expect(new Set(asked.map(({ url, headers }) => `${url} ${headers.authorization}`))).toEqual(
      new Set(["/v1/status undefined"]),
    );
  });

  it("waits for a port that was asked for and is a stranger's, and says so", async () => {
    const warnings: string[] = [];
    const port = await startStranger();
    const bridge = { port, join: true };
    const telemetry = await start({ bridge, onWarning: (text) => warnings.push(text) });
    expect(telemetry.url).toBe(`http://127.0.0.1:${port}`);
    expect(warnings).toEqual([expect.stringMatching(/^The bridge failed .*EADDRINUSE/)]);
  });

  it("takes the port over when it is free", async () => {
    const first = await start({ dataFile: file(), bridge: { port: 0 } });
    const log = createMemoryEventLog();
    const served = Promise.withResolvers<void>();
    let closed = 0;
    const own = { url: "http://own", token: "t", close: async () => void closed++ };
    const waiting = waitForPort({
      config: configOf(portOf(first)),
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

  it("never serves when it was closed before", async () => {
    let isStarted = false;
    const log = createMemoryEventLog();
    const bridge = new LateBridge({ config: configOf(1), hub: createSseHub({ log }) });
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

function configOf(port: number) {
  return readConfig({}, { bridge: { port } }).bridge as NonNullable<ReturnType<typeof readConfig>["bridge"]>;
}
