import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { writeBridgeFile } from "../../../src/cli/discovery.ts";
import { examineBridge } from "../../../src/cli/doctor-bridge.ts";
import type { TelemetryStatus } from "../../../src/telemetry-status.ts";
import { deadUrl, startServer } from "./http-server.ts";

const NOW = 1_000_000;

function home(): { XDG_STATE_HOME: string } {
  const state = mkdtempSync(join(tmpdir(), "orchestra-state-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  return { XDG_STATE_HOME: state };
}

async function examine(env: Record<string, string>) {
  const findings = await examineBridge({ env: { ...home(), ...env }, now: () => NOW });
  return findings.map(({ status, text }) => `${status}: ${text}`);
}

const account = { made: 9, delivered: 9, queued: 0, dropped: { queue_full: 0 }, balance: 0 };

/** A bridge that tells this of its process. */
function bridgeWith(status: object): Promise<string> {
  return startServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url === "/healthz" ? { status: "ok" } : status));
  });
}

function statusOf(parts: { events?: object; spans?: object; dataFile?: object; outbox?: object }) {
  const { events = {}, spans, dataFile, outbox } = parts;
  const ledger = { events: { ...account, ...events }, spans: spans && { ...account, ...spans } };
  return { ledger, dataFile, spans: outbox } as unknown as TelemetryStatus;
}

describe("a bridge", () => {
  test("need not run where nobody said that one does", async () => {
    const { port } = new URL(await deadUrl());
    expect(await examine({ ORCHESTRA_BRIDGE_PORT: port })).toEqual([
      `note: None runs at http://127.0.0.1:${port} (nothing listens there)`,
    ]);
  });

  test("should run where somebody said so", async () => {
    const url = await deadUrl();
    expect(await examine({ ORCHESTRA_URL: url })).toEqual([
      `broken: ${url} should be one, but: nothing listens there`,
    ]);
  });

  test("is not what merely answers", async () => {
    const url = await startServer((_, response) => response.end("hello"));
    expect(await examine({ ORCHESTRA_URL: url })).toEqual([
      `broken: ${url} should be one, but: something else answers there`,
    ]);
  });

  test("is not found by a URL that is none", async () => {
    expect(await examine({ ORCHESTRA_URL: "somewhere" })).toEqual([
      "broken: Variable ORCHESTRA_URL takes an http:// or https:// URL, got 'somewhere'",
    ]);
  });

  test("is found by its file, and asked with the token in it", async () => {
    const tokens: unknown[] = [];
    const url = await startServer((request, response) => {
      tokens.push(request.headers.authorization);
      response.end('{"status":"ok"}');
    });
    const env = home();
    writeBridgeFile(env, { url, token: "secret-of-the-bridge" });
    expect(await examine(env)).toEqual([`ok: One runs at ${url}`]);
    expect(tokens).toEqual([undefined, "Bearer secret-of-the-bridge"]);
  });

  test("may keep its status to itself", async () => {
    const url = await startServer((request, response) => {
      response.statusCode = request.url === "/healthz" ? 200 : 401;
      response.end(
        JSON.stringify({ status: "ok", error: { code: "UNAUTHORIZED", message: "token please" } }),
      );
    });
    expect(await examine({ ORCHESTRA_URL: url })).toContain(
      "note: It does not tell how it is: 401 UNAUTHORIZED: token please",
    );
  });

  test("may break off", async () => {
    const url = await startServer((request, response) => {
      if (request.url === "/healthz") response.end('{"status":"ok"}');
      else request.destroy();
    });
    expect(await examine({ ORCHESTRA_URL: url })).toContainEqual(
      expect.stringMatching(/^broken: It does not tell how it is: /),
    );
  });
});

describe("the process of a bridge", () => {
  const tell = async (parts: Parameters<typeof statusOf>[0]) =>
    (await examine({ ORCHESTRA_URL: await bridgeWith(statusOf(parts)) })).slice(1);

  test("is well when it has lost nothing", async () => {
    expect(await tell({ spans: { made: 10, queued: 1 }, dataFile: { degraded: false }, outbox: {} })).toEqual(
      [
        "ok: 9 events made, 9 delivered, 0 waiting, none lost",
        "ok: 10 spans made, 9 delivered, 1 waiting, none lost",
      ],
    );
  });

  test("tells what it has lost, by reason, and what it has lost count of", async () => {
    const dropped = { queue_full: 2, closed: 0, append_failed: 1 };
    expect(await tell({ events: { made: 12, dropped }, spans: { made: 11, balance: 2 } })).toEqual([
      "broken: 12 events made, 9 delivered, 0 waiting, lost: 2 queue full, 1 append failed",
      "broken: 11 spans made, 9 delivered, 0 waiting, none lost, 2 unaccounted for",
    ]);
  });

  test("tells of a data file that cannot be written", async () => {
    const dataFile = { degraded: true, waiting: 40, lastError: "database or disk is full" };
    expect(await tell({ dataFile })).toContain(
      "broken: Its data file cannot be written (database or disk is full): 40 events only in memory",
    );
  });

  test("tells why spans do not get through, and of trouble that is over", async () => {
    const outbox = { lastError: "HTTP 503", nextAttemptAt: NOW + 12_000 };
    expect(await tell({ outbox })).toContain(
      "broken: It cannot send spans: HTTP 503; it tries again in 12 seconds",
    );
    expect(await tell({ outbox: { lastError: "HTTP 503" } })).toContain(
      "note: Its last trouble with spans: HTTP 503",
    );
  });
});
