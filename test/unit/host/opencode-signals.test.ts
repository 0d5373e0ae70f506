import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { type DeathSignal, onDeath, type SignalHost } from "../../../src/host/opencode-signals.ts";

const SIGNALS: DeathSignal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** A process that only notes by what it was killed. */
class TestProcess extends EventEmitter implements SignalHost {
  readonly pid = 42;
  readonly killed: [number, DeathSignal][] = [];

  kill(pid: number, signal: DeathSignal): void {
    this.killed.push([pid, signal]);
  }
}

function setUp() {
  const host = new TestProcess();
  const left: DeathSignal[] = [];
  let flushed = 0;
  const gate = Promise.withResolvers<void>();
  const stop = onDeath({
    host,
    leave: (signal) => {
      left.push(signal);
      return gate.promise;
    },
    flush: async () => {
      flushed++;
    },
  });
  const listeners = () => SIGNALS.map((signal) => host.listenerCount(signal));
  return { host, left, gate, stop, listeners, flushed: () => flushed };
}

describe("a signal that ends the process", () => {
  it.each(SIGNALS)("%s does so once all is in order, and by itself", async (signal) => {
    const { host, left, gate, listeners } = setUp();
    host.emit(signal);
    expect(left).toEqual([signal]);
    expect(host.killed).toEqual([]);
    gate.resolve();
    await gate.promise;
    await Promise.resolve();
    expect(host.killed).toEqual([[42, signal]]);
    expect(listeners()).toEqual([0, 0, 0]);
  });

  it("does so at once when it comes again", async () => {
    const { host, left, gate } = setUp();
    host.emit("SIGTERM");
    host.emit("SIGINT");
    expect(host.killed).toEqual([[42, "SIGINT"]]);
    gate.resolve();
    await gate.promise;
    await Promise.resolve();
    expect(host.killed).toHaveLength(1);
    expect(left).toEqual(["SIGTERM"]);
  });

  it("is left to others who listen for it", () => {
    const { host, left, flushed } = setUp();
    host.on("SIGINT", () => {});
    host.emit("SIGINT");
    expect({ left, killed: host.killed, flushed: flushed() }).toEqual({ left: [], killed: [], flushed: 1 });
  });

  it("is not left to another copy of this plugin", async () => {
    const { host, gate, left } = setUp();
    const other = Promise.withResolvers<void>();
    onDeath({ host, leave: () => other.promise, flush: async () => {} });
    host.emit("SIGTERM");
    gate.resolve();
    await gate.promise;
    await Promise.resolve();
    expect({ left, killed: host.killed }).toEqual({ left: ["SIGTERM"], killed: [[42, "SIGTERM"]] });
  });

  it("is not listened for any more once that is stopped", () => {
    const { stop, listeners } = setUp();
    expect(listeners()).toEqual([1, 1, 1]);
    stop();
    expect(listeners()).toEqual([0, 0, 0]);
  });
});
