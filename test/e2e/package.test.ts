import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const consumer = mkdtempSync(join(tmpdir(), "orchestra-consumer-"));

/** A program of somebody who installed the package. */
const PROGRAM = `
import { onOrchestratorEvent, startTelemetry, WorkerJobRegistry, type OrchestratorEvent } from "orchestra-otel";
import { connect } from "orchestra-otel/client";
import { createLogSink } from "orchestra-otel/exporters/logs";
import { createSseHub } from "orchestra-otel/exporters/sse";
import { createOtelJobTracer } from "orchestra-otel/exporters/traces";

const jobs = new WorkerJobRegistry();
const telemetry = await startTelemetry({ serviceName: "consumer", traces: false, bridge: false });
telemetry.observe(jobs);
const types: OrchestratorEvent["type"][] = [];
onOrchestratorEvent((event) => types.push(event.type));
jobs.setResult(jobs.create({ workerId: "w", message: "m" }).id);
await telemetry.shutdown();
const loaded = [connect, createLogSink, createSseHub, createOtelJobTracer].map((it) => typeof it);
process.stdout.write(JSON.stringify({ types, loaded }));
`;

beforeAll(() => {
  npm(ROOT, "pack", "--silent", "--pack-destination", consumer);
  const tarball = readdirSync(consumer).find((name) => name.endsWith(".tgz")) as string;
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ private: true, type: "module" }));
  npm(consumer, "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`);
  mkdirSync(join(consumer, "src"));
  writeFileSync(join(consumer, "src/program.ts"), PROGRAM);
}, 180_000);

afterAll(() => rmSync(consumer, { recursive: true }));

describe("the published package", () => {
  it("runs a job for a program that imports it", () => {
    const { types, loaded } = JSON.parse(run(process.execPath, "src/program.ts"));
    expect(types).toEqual(["orchestra.job.created", "orchestra.job.completed"]);
    expect(loaded).toEqual(["function", "function", "function", "function"]);
  });

  it("has types that a strict program compiles against", () => {
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023"];
    const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
    const { status, stdout } = spawnSync(
      join(ROOT, "node_modules/.bin/tsc"),
      [...flags, ...types, "src/program.ts"],
      { cwd: consumer, encoding: "utf8" },
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });

  it("brings the control panel along", () => {
    const program = `
      const { startTelemetry } = await import("orchestra-otel");
      const telemetry = await startTelemetry({ serviceName: "c", traces: false, bridge: { port: 0 } });
      const page = await (await fetch(telemetry.url)).text();
      const [, script] = /src="(.assets.[^"]+[.]js)"/.exec(page);
      const { status, headers } = await fetch(telemetry.url + script);
      await telemetry.shutdown();
      process.stdout.write(status + " " + headers.get("content-type"));`;
    const output = run(process.execPath, "--input-type=module", "--eval", program);
    expect(output).toBe("200 text/javascript; charset=utf-8");
    const licences = join(consumer, "node_modules/orchestra-otel/dist/panel/LICENSES.md");
    const bundled = namesIn(readFileSync(licences, "utf8"), /^## (\S+) - /gm);
    expect(bundled).toEqual(expect.arrayContaining(["@preact/signals", "preact"]));
  });

  it("has the OpenCode plugin bundled, beside the licences of what is in it", () => {
    const entry = createRequire(join(consumer, "package.json")).resolve("orchestra-otel/server");
    const folder = pathToFileURL(join(entry, "../"));
    const scripts = readdirSync(folder).filter((file) => file.endsWith(".js"));
    const text = scripts.map((file) => readFileSync(new URL(file, folder), "utf8")).join("\n");
    const imported = namesIn(text, /(?:^import|^} from|import\() ?(?:.* from )?"([^."][^"]*)"/gm);
    const isOfRuntime = (name: string) => isBuiltin(name) || name.startsWith("bun:");
    expect(imported.filter((name) => !isOfRuntime(name))).toEqual(["fastify"]);
    const licences = readFileSync(new URL("LICENSES.txt", folder), "utf8");
    const bundled = namesIn(text, /^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)/gm);
    expect(bundled).toContain("zod");
    expect(namesIn(licences, /^(\S+) \d+\.\d+\.\d+$/gm)).toEqual(bundled);
  });

  it("preloads with `node --import orchestra-otel/register`", () => {
    const output = run(process.execPath, "--import", "orchestra-otel/register", "-p", "'preloaded'");
    expect(output.trim()).toBe("preloaded");
  });

  it("installs its command", () => {
    expect(run(join(consumer, "node_modules/.bin/orchestra-otel"), "--help")).toContain("exec");
  });
});

/** What the pattern's group finds, each once and in order. */
function namesIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name as string))].sort();
}

function npm(cwd: string, ...args: string[]): void {
  execFileSync("npm", args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: consumer, encoding: "utf8" });
}
