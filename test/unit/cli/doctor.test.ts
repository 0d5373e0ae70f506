import { describe, expect, test } from "vitest";
import type { CliContext } from "../../../src/cli/context.ts";
import { type Finding, renderFindings } from "../../../src/cli/doctor-finding.ts";
import { runCli } from "../../../src/cli/run.ts";
import { openReceiver } from "../../fixtures/outbox-rig.ts";
import { temporaryFolder } from "../../fixtures/sqlite-logs.ts";
import { createTestContext } from "./cli-context.ts";
import { deadUrl } from "./http-server.ts";

async function doctor(env: CliContext["env"], ...flags: string[]) {
  const { port } = new URL(await deadUrl());
  const context = createTestContext({
    env: { XDG_STATE_HOME: temporaryFolder(), ORCHESTRA_BRIDGE_PORT: port, ...env },
  });
  const exitCode = await runCli(["doctor", ...flags], context);
  return { exitCode, stdout: context.stdout.text, stderr: context.stderr.text };
}

describe("the doctor", () => {
  test("ends with 0 when nothing is broken", async () => {
    const { url } = await openReceiver();
    const { exitCode, stdout, stderr } = await doctor({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(
      /^Configuration\n {2}✓ .*\n\nData file\n {2}· .*\n\nBridge\n {2}· .*\n\nReceiver\n {2}✓ /s,
    );
  });

  test("ends with 1 when something is", async () => {
    const { exitCode, stdout } = await doctor({ OTEL_EXPORTER_OTLP_ENDPOINT: await deadUrl() });
    expect(exitCode).toBe(1);
    expect(stdout).toContain("\nOne thing is broken.\n");
  });

  test.each([
    ["none", true, 0],
    ["zipkin", false, 1],
  ])("prints one object when OTEL_TRACES_EXPORTER is %s", async (exporter, ok, code) => {
    const { exitCode, stdout } = await doctor({ OTEL_TRACES_EXPORTER: exporter }, "--json");
    expect(JSON.parse(stdout)).toEqual({ ok, findings: expect.any(Array) });
    expect(exitCode).toBe(code);
  });
});

describe("what was found", () => {
  const finding = (status: Finding["status"], part: Finding["part"], text: string) => ({
    status,
    part,
    text,
  });

  test("is told part by part, in their order, with a mark each", () => {
    const findings = [
      finding("broken", "receiver", "c"),
      finding("ok", "configuration", "a"),
      finding("note", "jobs", "b"),
      finding("broken", "configuration", "d"),
    ];
    expect(renderFindings(findings, (_, text) => text)).toBe(
      "Configuration\n  ✓ a\n  ✗ d\n\nJobs\n  · b\n\nReceiver\n  ✗ c\n\n2 things are broken.\n",
    );
  });

  test("is coloured where colours are wanted, and cannot control the terminal", () => {
    const painted = renderFindings(
      [finding("ok", "jobs", "a\x1b[2J\nb")],
      (style, text) => `<${style} ${text}>`,
    );
    expect(painted).toBe("<bold Jobs>\n  <green ✓> a b\n\nAll is well.\n");
  });
});
