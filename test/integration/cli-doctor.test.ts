import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Finding } from "../../src/cli/doctor-finding.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../fixtures/otlp-receiver.ts";
import { type CliHome, createHome } from "./cli-process.ts";

const CHILD = join(import.meta.dirname, "../fixtures/durable-child.ts");

async function openReceiver(): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver();
  onTestFinished(() => receiver.close());
  return receiver;
}

function doctor(home: CliHome, env: Record<string, string>, ...flags: string[]) {
  return home.start(["doctor", ...flags], { OTEL_TRACES_EXPORTER: undefined, ...env }).result();
}

/** The data file of a process that was killed in the middle of its jobs. */
async function leftBehind(home: CliHome): Promise<string> {
  const dataFile = join(home.state, "orchestra.db");
  const child = spawn(process.execPath, [CHILD, dataFile, "http://127.0.0.1:1/v1/traces"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
  return dataFile;
}

describe("doctor", () => {
  test("finds all well, sends one span and ends with 0", async () => {
    const receiver = await openReceiver();
    const { exitCode, stdout, stderr } = await doctor(createHome(), {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url,
    });

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^Receiver\n {2}✓ .* took the test span orchestra\.doctor in \d+ ms$/m);
    expect(stdout).toMatch(/\nAll is well\.\n$/);
    expect(receiver.spans.map(({ name }) => name)).toEqual(["orchestra.doctor"]);
  });

  test("ends with 1 when nobody takes spans, and says so in words", async () => {
    const { exitCode, stdout } = await doctor(createHome(), {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    });

    expect(exitCode).toBe(1);
    expect(stdout).toContain("✗ connection refused by http://127.0.0.1:1: is a collector running?");
    expect(stdout).toMatch(/\nOne thing is broken\.\n$/);
  });

  test("names every variable that is wrong, on lines that no terminal obeys", async () => {
    const { exitCode, stdout } = await doctor(createHome(), {
      ORCHESTRA_LOG_CAPACITY: "many",
      ORCHESTRA_DATA_FLIE: "x",
      ORCHESTRA_LOG_FILE: "\x1b[2Jx",
      OTEL_TRACES_EXPORTER: "none",
    });

    expect(exitCode).toBe(1);
    expect(stdout).toContain("✗ Environment variable `ORCHESTRA_LOG_CAPACITY`: expected a whole number");
    expect(stdout).toContain("✗ ORCHESTRA_DATA_FLIE is read by nothing: is it misspelt?");
    expect(stdout).toContain("✓ ORCHESTRA_LOG_FILE = x");
    expect(stdout).toMatch(/\n2 things are broken\.\n$/);
  });

  test("shows what a killed process has left, and leaves it to the next one", async () => {
    const home = createHome();
    const receiver = await openReceiver();
    const dataFile = await leftBehind(home);
    const bytes = () => [readFileSync(dataFile), readFileSync(`${dataFile}-wal`)];
    const before = bytes();
    const env = { ORCHESTRA_DATA_FILE: dataFile, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url };

    const { exitCode, stdout } = await doctor(home, env);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/✓ 5 events, the oldest \d+ seconds? old/);
    expect(stdout).toMatch(/· Process \d+ is gone without having closed it/);
    expect(stdout).toContain("· 2 open jobs of a process that is gone");
    expect(stdout).toMatch(
      /· Waiting: 4 spans of .*; the next process on this file that makes spans sends them/,
    );
    expect(bytes()).toEqual(before);
    expect(receiver.spans.map(({ name }) => name)).toEqual(["orchestra.doctor"]);

    const registry = new WorkerJobRegistry();
    const telemetry = await startTelemetry({ env: {}, dataFile, bridge: false, traces: false, registry });
    await telemetry.shutdown();
    expect((await doctor(home, env)).stdout).toMatch(/^Jobs\n {2}✓ None is open$/m);
  });

  test("prints one JSON object for programs", async () => {
    const home = createHome();
    const dataFile = await leftBehind(home);
    const flags = { ORCHESTRA_DATA_FILE: dataFile, OTEL_TRACES_EXPORTER: "none" };

    const { exitCode, stdout } = await doctor(home, flags, "--json");

    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
    expect({ ok, exitCode }).toEqual({ ok: true, exitCode: 0 });
    expect(findings).toContainEqual({
      part: "jobs",
      status: "note",
      text: expect.any(String),
      facts: { open: 2, owner: expect.any(String), state: "gone" },
    });
  });

  test("asks a running process how it is", async () => {
    const home = createHome();
    const { url } = await home.serve();

    const { exitCode, stdout } = await doctor(home, { OTEL_TRACES_EXPORTER: "none" });

    expect(exitCode).toBe(0);
    expect(stdout).toContain(`✓ One runs at ${url}\n  ✓ 0 events made, 0 delivered, 0 waiting, none lost`);
  });
});
