import { readFileSync } from "node:fs";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createLogSink } from "../../../exporters/logs.ts";
import { createOrchestratorEvent } from "../../../src/event/event.ts";

const document = readFileSync(new URL("../../../docs/logs.md", import.meta.url), "utf8");

function fieldsOfLine(): string[] {
  const lines: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) });
  const event = createOrchestratorEvent(
    "orchestra.job.failed",
    {
      jobId: "job-1",
      workerId: "build",
      sessionId: "session-1",
      revision: 1,
      startedAt: 0,
      status: "failed",
      finishedAt: 1,
      durationMs: 1,
      error: "exit code 3",
      errorType: "exit_3",
    },
    { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
  );
  createLogSink({ logger }).onEvent({ cursor: "e-1", event, json: "" });
  return Object.keys(JSON.parse(lines.join(""))).filter((field) => field !== "level");
}

test("docs/logs.md lists every field of a line, in its order", () => {
  const [, fields = ""] = document.split(/^## Fields$/m);
  const [table = ""] = fields.split(/^## /m);
  const documented = [...table.matchAll(/^\| `([a-z_]+)` \|/gm)];

  expect(documented.map(([, field]) => field)).toEqual(fieldsOfLine());
});
