import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createClient, eventFrame, heartbeat, listenedSignal, quiet, resyncFrame } from "./client-rig.ts";

const fault = new Error("in a handler");
const fail = () => {
  throw fault;
};

describe("a handler that fails", () => {
  it.each([
    ["throws", fail],
    ["rejects", () => Promise.reject(fault)],
  ])("and %s is told of, and the feed goes on", async (_name, onEvent) => {
    const { request, errors, until } = createClient({ onEvent });
    (await request(0)).stream(eventFrame(1) + eventFrame(2));
    await until(() => errors.length === 2);
    expect(errors).toEqual([fault, fault]);
  });

  it("may be any of them", async () => {
    const handlers = { onState: fail, onGap: fail, onSnapshot: fail };
    const { request, errors, told, until, time } = createClient(handlers);
    (await request(0)).json({ jobs: [], cursor: "e-1" });
    (await request(1)).stream(resyncFrame());
    await until(() => errors.length === 5);
    await quiet();
    time.advance(500);
    (await request(2)).json({ jobs: [], cursor: "e-9" });
    (await request(3)).stream(eventFrame(10));
    await until(() => told.length === 1);
    expect(new Set(errors)).toEqual(new Set([fault]));
  });

  it("may be the one that is told of failures", async () => {
    const seen: string[] = [];
    const onEvent = ({ id }: { id: string }) => {
      seen.push(id);
      throw fault;
    };
    const { request, until } = createClient({ onEvent, onError: fail });
    (await request(0)).stream(eventFrame(1) + eventFrame(2));
    await until(() => seen.length === 2);
  });

  it("is left to the page where there is no `onError`", async () => {
    const reportError = vi.fn();
    vi.stubGlobal("reportError", reportError);
    vi.stubGlobal("document", {});
    onTestFinished(() => void vi.unstubAllGlobals());
    const { request, until } = createClient({ onEvent: fail, onError: undefined });
    (await request(0)).stream(`${eventFrame(1)}data: no event\n\n`);
    await until(() => reportError.mock.calls.length === 2);
    (await request(0)).end();
    expect(reportError.mock.calls[0]).toEqual([fault]);
  });

  it("is nobody's where there is neither, as others end a process by `reportError`", async () => {
    const reportError = vi.fn();
    vi.stubGlobal("reportError", reportError);
    onTestFinished(() => void vi.unstubAllGlobals());
    const { request, connection, until } = createClient({ onEvent: fail, onError: undefined });
    (await request(0)).stream(eventFrame(1) + heartbeat(2));
    await until(() => connection.cursor === "e-2");
    expect(reportError).not.toHaveBeenCalled();
  });
});

describe("a handler that takes its time", () => {
  it("is waited for, while no more than one chunk is read", async () => {
    const started: string[] = [];
    let done = () => {};
    const { request, until } = createClient({
      onEvent: ({ id }) => {
        started.push(id);
        return new Promise<void>((resolve) => {
          done = resolve;
        });
      },
    });
    const feed = (await request(0)).stream(eventFrame(1) + eventFrame(2));
    for (let n = 3; n < 100; n++) feed.send(eventFrame(n));
    await until(() => started.length === 1);
    await quiet();
    expect(feed.reads).toBe(1);
    done();
    await until(() => started.length === 2);
    expect(feed.reads).toBe(1);
    done();
    await until(() => started.length === 3);
    expect([started, feed.reads]).toEqual([["id-1", "id-2", "id-3"], 2]);
  });

  it("does not hold up the end", async () => {
    const { request, connection, until } = createClient({ onEvent: () => new Promise(() => {}) });
    (await request(0)).stream(eventFrame(1));
    await until(() => connection.cursor === "e-1");
    connection.close();
    expect(await connection.closed).toBeUndefined();
  });
});

describe("closing", () => {
  it.each([
    ["while it connects", async () => {}],
    [
      "while it reads",
      async (rig: ReturnType<typeof createClient>) => void (await rig.request(0)).stream(heartbeat(1)),
    ],
    ["while it waits", async (rig: ReturnType<typeof createClient>) => (await rig.request(0)).fail()],
  ])("%s leaves nothing behind", async (_name, prepare) => {
    const states: string[] = [];
    const rig = createClient({ onState: ({ state }) => states.push(state) });
    await rig.request(0);
    await prepare(rig);
    await quiet();
    expect(rig.time.waiting()).toHaveLength(1);
    rig.connection.close();
    rig.connection.close();
    expect(await rig.connection.closed).toBeUndefined();
    await quiet();
    expect(rig.time.waiting()).toEqual([]);
    expect(rig.requests.map(({ isAborted }) => isAborted)).toEqual([true]);
    expect(states.filter((state) => state === "closed")).toHaveLength(1);
    expect(rig.errors).toEqual([]);
  });

  it("by the signal is the same, and nothing listens to the signal any more", async () => {
    const { signal, controller } = listenedSignal();
    const rig = createClient({ signal });
    (await rig.request(0)).stream(heartbeat(1));
    controller.abort();
    expect(await rig.connection.closed).toBeUndefined();
    await quiet();
    expect([rig.time.waiting(), signal.listeners]).toEqual([[], 0]);
  });

  it("leaves no listener on a signal that is never aborted", async () => {
    const { signal } = listenedSignal();
    const rig = createClient({ signal });
    await rig.request(0);
    expect(signal.listeners).toBe(1);
    rig.connection.close();
    expect(signal.listeners).toBe(0);
  });

  it("before it begins asks for nothing", async () => {
    const rig = createClient({ signal: AbortSignal.abort() });
    expect(await rig.connection.closed).toBeUndefined();
    await quiet();
    expect(rig.requests).toEqual([]);
  });

  it("from a handler is the last that is told", async () => {
    const rig = createClient({
      onEvent: () => rig.connection.close(),
      onState: ({ state }) => rig.told.push(state),
    });
    (await rig.request(0)).stream(eventFrame(1) + eventFrame(2) + resyncFrame());
    await rig.connection.closed;
    await quiet();
    expect(rig.told).toEqual(["connecting", "open", "closed"]);
  });
});
