import { describe, expect, test } from "vitest";
import { createForwardSink, type ForwardSinkOptions } from "../../../src/cli/forward-sink.ts";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import { bodyOf, deadUrl, startServer } from "./http-server.ts";
import { created, progress } from "./job-events.ts";

const record = (event: OrchestratorEvent) => ({ cursor: "e-1", event, json: JSON.stringify(event) });

/** A bridge that answers with these statuses in turn, then with the last. */
async function startBridge(...statuses: number[]) {
  const requests: { ids: string[]; authorization: string | undefined; type: string | undefined }[] = [];
  const url = await startServer(async (request, response) => {
    const lines = (await bodyOf(request)).trimEnd().split("\n");
    const { authorization, "content-type": type } = request.headers;
    requests.push({ ids: lines.map((line) => JSON.parse(line).id), authorization, type });
    response.statusCode = statuses[requests.length - 1] ?? statuses.at(-1) ?? 202;
    response.end(JSON.stringify({ error: { code: "CONFLICT", message: "no" } }));
  });
  return { url, requests };
}

function createSink(url: string, options: Partial<ForwardSinkOptions> = {}) {
  return createForwardSink({ target: { url, token: "secret" }, retryDelaysMs: [1, 1], ...options });
}

describe("events", () => {
  test("that come together travel together, in order, with the token", async () => {
    const { url, requests } = await startBridge();
    const sink = createSink(url);

    for (const id of ["1", "2", "3"]) sink.onEvent(record(created({ id })));
    await sink.forceFlush();

    expect(requests).toEqual([
      { ids: ["1", "2", "3"], authorization: "Bearer secret", type: "application/x-ndjson" },
    ]);
    expect(sink.stats()).toMatchObject({ delivered: 3, pending: 0, lastError: undefined });
  });

  test("are sent in batches of 500 that keep their order", async () => {
    const { url, requests } = await startBridge();
    const sink = createSink(url);
    const ids = Array.from({ length: 1_200 }, (_, index) => String(index));

    for (const id of ids) sink.onEvent(record(created({ id })));
    await sink.shutdown();

    expect(requests.map((request) => request.ids.length)).toEqual([500, 500, 200]);
    expect(requests.flatMap((request) => request.ids)).toEqual(ids);
  });

  test("that are large are sent in smaller batches", async () => {
    const { url, requests } = await startBridge();
    const sink = createSink(url);

    for (const id of ["1", "2", "3"]) sink.onEvent(record(created({ id, message: "x".repeat(300_000) })));
    await sink.shutdown();

    expect(requests.map((request) => request.ids)).toEqual([["1"], ["2"], ["3"]]);
  });

  test("need no token where there is none", async () => {
    const { url, requests } = await startBridge();
    const sink = createForwardSink({ target: { url, token: undefined } });

    sink.onEvent(record(created()));
    await sink.shutdown();

    expect(requests[0]?.authorization).toBeUndefined();
  });
});

describe("a bridge that fails", () => {
  test("is tried again", async () => {
    const { url, requests } = await startBridge(503, 429, 202);
    const sink = createSink(url);

    sink.onEvent(record(created({ id: "1" })));
    await sink.forceFlush();

    expect(requests.map((request) => request.ids)).toEqual([["1"], ["1"], ["1"]]);
    expect(sink.stats()).toMatchObject({ delivered: 1, dropped: { unreachable: 0 } });
  });

  test("for good costs its events, which are counted", async () => {
    const sink = createSink(await deadUrl());

    sink.onEvent(record(created()));
    await sink.forceFlush();

    expect(sink.stats()).toEqual({
      delivered: 0,
      pending: 0,
      dropped: { queue_full: 0, unreachable: 1, refused: 0 },
      lastError: "ECONNREFUSED",
    });
  });

  test("by refusing is not asked again", async () => {
    const { url, requests } = await startBridge(409);
    const sink = createSink(url);

    sink.onEvent(record(created()));
    await sink.forceFlush();

    expect(requests).toHaveLength(1);
    expect(sink.stats()).toMatchObject({ dropped: { refused: 1 }, lastError: "409 CONFLICT: no" });
  });

  test("by never answering holds up the end for the time given, not longer", async () => {
    const url = await startServer(() => {});
    const sink = createSink(url, { flushTimeoutMs: 20, retryDelaysMs: [60_000] });
    sink.onEvent(record(created()));

    await Promise.all([sink.shutdown(), sink.shutdown()]);

    expect(sink.stats()).toMatchObject({ pending: 0, dropped: { unreachable: 1 } });
  });
});

describe("an event that is refused", () => {
  /** A bridge that knows these ids to be wrong, and names the line of the first. */
  async function startStrictBridge(status: number, wrong: string[]) {
    const taken: string[] = [];
    const url = await startServer(async (request, response) => {
      const ids = (await bodyOf(request))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).id);
      const fault = ids.findIndex((id) => wrong.includes(id));
      if (fault === -1) taken.push(...ids);
      else response.statusCode = status;
      const error = { code: "INVALID_EVENT", message: "no", line: fault + 1 };
      response.end(JSON.stringify({ error }));
    });
    return { url, taken };
  }

  test.each([400, 409])("with its line (%d) does not cost the others", async (status) => {
    const { url, taken } = await startStrictBridge(status, ["1", "3", "5"]);
    const sink = createSink(url);

    for (const id of ["1", "2", "3", "4", "5"]) sink.onEvent(record(created({ id })));
    await sink.forceFlush();

    expect(taken).toEqual(["2", "4"]);
    expect(sink.stats()).toMatchObject({ delivered: 2, pending: 0, dropped: { refused: 3 } });
  });

  test.each([0, 3, 1.5, "1", null])(
    "with a line that is none of the request's (%j) costs all",
    async (line) => {
      let requests = 0;
      const url = await startServer(async (request, response) => {
        await bodyOf(request);
        requests++;
        response.statusCode = 400;
        response.end(JSON.stringify({ error: { code: "INVALID_EVENT", message: "no", line } }));
      });
      const sink = createSink(url);

      for (const id of ["1", "2"]) sink.onEvent(record(created({ id })));
      await sink.forceFlush();

      expect(requests).toBe(1);
      expect(sink.stats()).toMatchObject({ pending: 0, dropped: { refused: 2 } });
    },
  );
});

test("flushing again and again waits no longer than once for a bridge that never answers", async () => {
  const url = await startServer(() => {});
  const sink = createSink(url, { flushTimeoutMs: 200 });
  sink.onEvent(record(created()));
  const began = performance.now();
  await sink.forceFlush();
  const waited = performance.now();

  for (let time = 0; time < 4; time++) await sink.forceFlush();
  await sink.shutdown();

  expect(performance.now() - waited).toBeLessThan(waited - began);
  expect(sink.stats()).toMatchObject({
    pending: 0,
    dropped: { unreachable: 1 },
    lastError: "no answer in time",
  });
});

test("what waits is bounded; progress goes before beginnings and ends", async () => {
  const { url, requests } = await startBridge();
  const sink = createSink(url, { maxPending: 2 });

  for (const id of ["1", "2"]) sink.onEvent(record(created({ id })));
  sink.onEvent(record(progress({ id: "lost" })));
  for (const id of ["3", "4", "lost too"]) sink.onEvent(record(created({ id })));
  await sink.shutdown();

  expect(requests.flatMap((request) => request.ids)).toEqual(["1", "2", "3", "4"]);
  expect(sink.stats()).toMatchObject({ delivered: 4, dropped: { queue_full: 2 } });
});

test("after shutdown nothing is taken", async () => {
  const { url, requests } = await startBridge();
  const sink = createSink(url);

  await sink.shutdown();
  sink.onEvent(record(created()));

  expect(sink.stats().pending).toBe(0);
  expect(requests).toEqual([]);
});
