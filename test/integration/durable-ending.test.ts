import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isJobEvent } from "../../src/event/event.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { runNode } from "../fixtures/node-process.ts";
import { openReceiver } from "../fixtures/outbox-rig.ts";
import { openTestLog, readAll, temporaryFolder } from "../fixtures/sqlite-logs.ts";

const CHILD = join(import.meta.dirname, "../fixtures/ending-child.ts");

describe.each(["exit", "throw"])("a process that ends by %s right after it has ended jobs", (ending) => {
  it("leaves their events and their spans, which tell the same", async () => {
    const receiver = await openReceiver();
    const dataFile = join(temporaryFolder(), "orchestra.db");
    const { code } = await runNode([CHILD, dataFile, receiver.url, ending]);
    expect(code).toBe(ending === "throw" ? 1 : 0);

    const next = await startTelemetry({ env: {}, dataFile, bridge: false, traces: { url: receiver.url } });
    onTestFinished(() => next.shutdown());
    await receiver.until(() => receiver.spans.length >= 6);
    await next.shutdown();

    const { log } = await openTestLog({ file: dataFile });
    const events = readAll(log)
      .map(({ event }) => event)
      .filter(isJobEvent);
    expect(events.map(({ type, data }) => `${data.jobId} ${type.slice(14)}`)).toEqual([
      "older created",
      "older completed",
      "brief created",
      "brief completed",
      "open created",
      "open failed",
    ]);
    const spans = receiver.spans.filter(({ name }) => name !== "job.started");
    const ends = spans.map(
      ({ spanId, attributes: { "orchestra.job.id": jobId, "orchestra.job.result": is } }) => [
        jobId,
        { spanId, is },
      ],
    );
    const spanIdOf = (jobId: string) =>
      events.find(({ data }) => data.jobId === jobId)?.traceparent?.slice(36, 52);
    expect(ends).toHaveLength(3);
    expect(Object.fromEntries(ends)).toEqual({
      older: { spanId: spanIdOf("older"), is: "success" },
      brief: { spanId: spanIdOf("brief"), is: "success" },
      open: { spanId: spanIdOf("open"), is: "error" },
    });
  });
});
