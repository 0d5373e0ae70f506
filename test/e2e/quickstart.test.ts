import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Totals } from "../../examples/quickstart/summary.ts";
import { runNode } from "../fixtures/node-process.ts";
import { startOtlpReceiver } from "../fixtures/otlp-receiver.ts";

describe("the quickstart", () => {
  it("runs real jobs and accounts for each of them in the feed, the log and the spans", async () => {
    const receiver = await startOtlpReceiver();
    const folder = await mkdtemp(join(tmpdir(), "orchestra-quickstart-test-"));
    try {
      const { code, stdout, stderr } = await runNode(["examples/quickstart.ts", "--exit", "--json"], {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url,
        ORCHESTRA_BRIDGE_PORT: "0",
        ORCHESTRA_DATA_FILE: join(folder, "quickstart.db"),
      });
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^[^\n]+\n$/) });
      const totals = JSON.parse(stdout) as Totals;

      // Only what is meant to fail fails: the repository's own checks are good.
      expect(totals.jobs).toEqual({ created: 7, succeeded: 5, failed: 1, canceled: 1 });
      expect(totals.sse.delivered).toBe(totals.events);
      expect(totals.logLines).toBeGreaterThanOrEqual(2 * totals.jobs.created);
      expect(totals.logLines).toBeLessThanOrEqual(totals.events);
      expect(totals.spans).toEqual({
        ended: receiver.spans.length,
        exported: receiver.spans.length,
        pending: 0,
        dropped: 0,
      });

      const jobSpans = receiver.spans.filter(({ attributes }) => "orchestra.worker.id" in attributes);
      expect(new Set(jobSpans.map(({ attributes }) => attributes["orchestra.job.id"])).size).toBe(7);
      expect(jobSpans).toHaveLength(7);
      const parent = jobSpans.find(({ name }) => name === "invoke_workflow verify");
      const children = jobSpans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId);
      expect(children).toHaveLength(6);
      expect(stderr).toMatch(/⊘ canceled +builder +Rebuild on every change/);
      expect(stderr).toMatch(/✗ failed +checker +Check a file with a type error/);
    } finally {
      await receiver.close();
      await rm(folder, { recursive: true });
    }
  });
});
