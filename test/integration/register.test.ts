import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileLock } from "../fixtures/file-lock.ts";
import { runNode } from "../fixtures/node-process.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../fixtures/otlp-receiver.ts";

const register = pathToFileURL(resolve("src/register.ts")).href;
const library = pathToFileURL(resolve("src/index.ts")).href;
const api = import.meta.resolve("@opentelemetry/api");

/** An application whose own span is made inside a job's work. */
const APP = `
import { trace } from ${JSON.stringify(api)};
import { startTelemetry } from ${JSON.stringify(library)};
const telemetry = await startTelemetry({ bridge: false });
await telemetry.run({ workerId: "w", message: "m" }, async () => {
  await Promise.resolve();
  trace.getTracer("app").startActiveSpan("own", (span) => span.end());
});
await telemetry.shutdown();
`;

let folder: string;
let receiver: OtlpReceiver;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-register-"));
  receiver = await startOtlpReceiver();
});

afterAll(async () => {
  await receiver.close();
  await rm(folder, { recursive: true });
});

async function runApp(code: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(folder, "app.mjs");
  await writeFile(file, code);
  return runNode(["--import", register, file], { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url, ...env });
}

describe("node --import orchestra-otel/register", () => {
  it("nests an application's own spans under its jobs and exports all of them before it ends", async () => {
    const { code, stdout, stderr } = await runApp(APP, { OTEL_SERVICE_NAME: "app" });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
    const [job, own] = ["invoke_agent w", "own"].map((name) =>
      receiver.spans.find((span) => span.name === name),
    );
    expect(own).toMatchObject({ traceId: job?.traceId, parentSpanId: job?.spanId });
    expect(job?.resource["service.name"]).toBe("app");
  });

  it("keeps the command line out of the resource", async () => {
    await runApp(APP);
    expect(JSON.stringify(receiver.spans.map(({ resource }) => resource))).not.toContain("app.mjs");
  });

  it("warns once when nobody takes the spans, and lets the process end as it would", async () => {
    const { code, stdout, stderr } = await runApp(`${APP}; process.exitCode = 7;`, {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:9/v1/traces",
    });
    expect({ code, stdout }).toEqual({ code: 7, stdout: "" });
    expect(stderr.match(/OrchestraOtelWarning/g)).toHaveLength(1);
  });

  it("goes on in memory when others keep a new data file locked", async () => {
    const before = receiver.spans.length;
    const file = join(folder, "locked.db");
    createFileLock(file).hold();
    const { code, stderr } = await runApp(APP, { ORCHESTRA_DATA_FILE: file });
    expect(code).toBe(0);
    expect(stderr).toMatch(/locked\.db cannot be used \(database is locked\).* spans are in memory alone/);
    expect(receiver.spans.slice(before).map(({ name }) => name)).toContain("own");
  });

  it("flushes on SIGTERM and then dies of it", async () => {
    const before = receiver.spans.length;
    const { signal } = await runApp(`
      import { trace } from ${JSON.stringify(api)};
      trace.getTracer("app").startSpan("last words").end();
      setInterval(() => {}, 1_000);
      process.kill(process.pid, "SIGTERM");
    `);
    expect(signal).toBe("SIGTERM");
    expect(receiver.spans.slice(before).map(({ name }) => name)).toEqual(["last words"]);
  });

  it.each(["on", "once"])(
    "leaves an application to end by itself that handles SIGTERM with `%s`",
    async (how) => {
      const before = receiver.spans.length;
      const { code, signal, stdout } = await runApp(`
      import { spawn } from "node:child_process";
      import { once } from "node:events";
      import { startTelemetry, workerJobs } from ${JSON.stringify(library)};
      const telemetry = await startTelemetry({ bridge: false });
      telemetry.observe(workerJobs);
      workerJobs.create({ workerId: "open", message: "m" });
      const alive = setInterval(() => {}, 1_000);
      process.${how}("SIGTERM", async () => {
        await telemetry.shutdown();
        // Work of its own that takes its time.
        await once(spawn(process.execPath, ["-e", ""]), "close");
        console.log("ended by itself");
        process.exit(3);
      });
      process.kill(process.pid, "SIGTERM");
    `);
      expect({ code, signal, stdout }).toEqual({ code: 3, signal: null, stdout: "ended by itself\n" });
      const names = receiver.spans.slice(before).map(({ name }) => name);
      expect(names.sort()).toEqual(["invoke_agent open", "job.started"]);
    },
  );

  it("exports metrics although no spans are made", async () => {
    const { stdout } = await runApp(
      `
      import { metrics } from ${JSON.stringify(api)};
      metrics.getMeter("app").createCounter("c").add(1);
    `,
      {
        OTEL_TRACES_EXPORTER: "none",
        OTEL_METRICS_EXPORTER: "console",
      },
    );
    expect(stdout).toContain("name: 'c'");
  });

  it("keeps no process alive, and lets one that ends by itself send what it has", async () => {
    const before = receiver.spans.length;
    const file = join(folder, "plain.mjs");
    await writeFile(
      file,
      `
      import { startTelemetry } from ${JSON.stringify(library)};
      const telemetry = await startTelemetry({ bridge: { port: 0 } });
      await fetch(telemetry.url + "/healthz");
      await telemetry.run({ workerId: "brief", message: "m" }, () => "ok");
    `,
    );
    const { code } = await runNode([file], { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url });
    expect(code).toBe(0);
    const names = receiver.spans.slice(before).map(({ name }) => name);
    expect(names.sort()).toEqual(["invoke_agent brief", "job.started"]);
  });

  it("does nothing when the SDK is disabled", async () => {
    const before = receiver.requests.length;
    const { code } = await runApp(APP, { OTEL_SDK_DISABLED: "true" });
    expect(code).toBe(0);
    expect(receiver.requests).toHaveLength(before);
  });

  it("refuses a configuration that it cannot use, by name", async () => {
    const { code, stderr } = await runApp(APP, { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "Environment variable `OTEL_EXPORTER_OTLP_PROTOCOL`: expected http/json or http/protobuf",
    );
  });
});
