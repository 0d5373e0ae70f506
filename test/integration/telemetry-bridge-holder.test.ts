import type { RequestListener } from "node:http";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { type HolderOptions, holderOf } from "../../src/telemetry-bridge-holder.ts";
import { answerJson, bridgeConfigOf, holdPort } from "../fixtures/port-holder.ts";
import { TLS } from "../fixtures/tls-files.ts";

const closings: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closings.splice(0)) await close();
});

async function holderWho(answer: RequestListener, options: Partial<HolderOptions> = {}, tls?: typeof TLS) {
  const { port, close } = await holdPort(answer, tls && { tls });
  closings.push(close);
  const config = { ...bridgeConfigOf(port), ...options.config, port };
  return holderOf({ log: createMemoryEventLog(), ...options, config });
}

const asksOff = (host: string) => ({ config: { ...bridgeConfigOf(0), host } });

describe("the holder of a port", () => {
  it.each([
    ["INTERNAL", 500],
    ["RATE_LIMITED", 429],
    ["UNAVAILABLE", 503],
    ["FORBIDDEN_HOST", 403],
  ])("may be one of ours when it answers %s", async (code, status) => {
    expect(await holderWho(answerJson({ error: { code } }, status))).toEqual({
      is: "unknown",
      why: `that answers ${code}`,
    });
  });

  it("may be one of ours when it cannot read its log", async () => {
    expect(await holderWho(answerJson({ log: { error: "database is locked" } }))).toEqual({
      is: "unknown",
      why: "that cannot read its log (database is locked)",
    });
  });

  it("may be one of ours when we cannot read our log", async () => {
    const log = createMemoryEventLog();
    const { latest } = await log.bounds();
    const locked = Object.assign(log, { bounds: () => Promise.reject(new Error("database is locked")) });
    expect(await holderWho(answerJson({ log: { latest } }), { log: locked })).toEqual({
      is: "unknown",
      why: "that may be one of ours, as our log cannot be read (database is locked)",
    });
  });

  it("may be one of ours when its certificate is signed by nobody we know", async () => {
    const config = { ...bridgeConfigOf(0), tls: TLS };
    const { latest } = await createMemoryEventLog().bounds();
    expect(await holderWho(answerJson({ log: { latest } }), { config }, TLS)).toEqual({
      is: "unknown",
      why: "whose certificate cannot be verified (DEPTH_ZERO_SELF_SIGNED_CERT)",
    });
  });

  it("is a stranger when it does not speak TLS and we do", async () => {
    const config = { ...bridgeConfigOf(0), tls: TLS };
    expect(await holderWho(answerJson({}), { config })).toEqual({ is: "stranger" });
  });

  it.each([
    ["a token where we ask for none", { error: { code: "UNAUTHORIZED" } }],
    ["that it has no such page, as ours has it", { error: { code: "NOT_FOUND" } }],
    ["an error that is none of ours", { error: { code: "toString" } }],
    ["an error in words", { error: "no" }],
    ["nothing", null],
    ["a list", [1]],
    ["a log that is no log", { log: { latest: 7 } }],
  ])("is a stranger when it tells %s", async (_, body) => {
    expect(await holderWho(answerJson(body))).toEqual({ is: "stranger" });
  });

  it("is a stranger when it speaks something else", async () => {
    const server = createServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n")).listen(0, "127.0.0.1");
    closings.push(() => server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const options = { log: createMemoryEventLog(), config: bridgeConfigOf(port) };
    expect(await holderOf(options)).toEqual({ is: "stranger" });
  });

  it("is ours when it tells our epoch, or off loopback asks for a token", async () => {
    const log = createMemoryEventLog();
    const { latest } = await log.bounds();
    expect(await holderWho(answerJson({ log: { latest } }), { log })).toEqual({ is: "ours" });
    const { port, close } = await holdPort(answerJson({ error: { code: "UNAUTHORIZED" } }, 401), {
      host: "0.0.0.0",
    });
    closings.push(close);
    const { config } = asksOff("0.0.0.0");
    expect(await holderOf({ log, config: { ...config, port } })).toEqual({ is: "ours" });
  });
});
