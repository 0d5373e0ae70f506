import { once } from "node:events";
import { connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { type BridgeOptions, startBridge } from "../../src/bridge/bridge.ts";
import { OrchestraError } from "../../src/errors.ts";
import { createOrchestratorEvent, EVENT_TYPES } from "../../src/event/event.ts";
import { subjectOf } from "../../src/event/event-filter.ts";
import { encodeEvent } from "../../src/event/event-json.ts";
import type { EventLog, EventPage } from "../../src/event/event-log.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { posting, rawRequest, type TestBridge, type TestBridgeOptions, TOKEN } from "../fixtures/bridge.ts";
import { HOSTILE_TEXT } from "../fixtures/hostile-events.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { createLogWith } from "../fixtures/publisher-rig.ts";
import { openFeed } from "../fixtures/sse-reader.ts";
import { openTestBridge } from "../fixtures/test-bridge.ts";

async function json(answer: Promise<Response>): Promise<{ status: number; body: unknown }> {
  const response = await answer;
  return { status: response.status, body: await response.json() };
}

const bearer = { headers: { authorization: `Bearer ${TOKEN}` } };

/** Three jobs: `a` running, `b` succeeded, `c` running for another worker. */
async function startWithJobs(options?: TestBridgeOptions): Promise<TestBridge> {
  const test = await openTestBridge(options);
  for (const event of [
    jobEvent("orchestra.job.created", "a"),
    jobEvent("orchestra.job.started", "a"),
    jobEvent("orchestra.job.created", "b"),
    jobEvent("orchestra.job.started", "b"),
    jobEvent("orchestra.job.completed", "b"),
    jobEvent("orchestra.job.created", "c", { workerId: "tester", sessionId: "s2", status: "running" }),
  ]) {
    test.publisher.publish(event);
  }
  await test.publisher.flush();
  return test;
}

describe("GET /v1/jobs", () => {
  it("lists the newest first, with the place in the log from which a feed goes on", async () => {
    const { url } = await startWithJobs();
    const { status, body } = await json(fetch(`${url}/v1/jobs`));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      jobs: [{ jobId: "c" }, { jobId: "b" }, { jobId: "a" }],
      total: 3,
      cursor: "e-6",
    });
  });

  it("has a cursor although nothing has happened yet", async () => {
    const { url } = await openTestBridge();
    expect((await json(fetch(`${url}/v1/jobs`))).body).toEqual({ jobs: [], total: 0, cursor: "e-0" });
  });

  it("has a cursor from which a feed misses nothing, although it has not been told of anything yet", async () => {
    const log = createMemoryEventLog({ epoch: "e" });
    log.append(
      [jobEvent("orchestra.job.created", "a"), jobEvent("orchestra.job.created", "b")].map(encodeEvent),
    );
    const { url } = await openTestBridge({ log });
    const { body } = await json(fetch(`${url}/v1/jobs`));
    expect(body).toEqual({ jobs: [], total: 0, cursor: "oldest" });
    const feed = await openFeed(`${url}/v1/events?after=oldest`);
    await feed.until(({ events }) => events.length === 2);
    feed.close();
    expect(feed.events.map(({ event }) => event)).toEqual(["orchestra.job.created", "orchestra.job.created"]);
  });

  it("sends no more at once than others can wait for", async () => {
    const { url, publisher } = await openTestBridge();
    const message = "x".repeat(4_000);
    for (let n = 0; n < 600; n++) publisher.publish(jobEvent("orchestra.job.created", `j${n}`, { message }));
    await publisher.flush();
    const page = await (await fetch(`${url}/v1/jobs?limit=1000`)).text();
    expect(page.length).toBeLessThan(1.2 * 1024 * 1024);
    expect(JSON.parse(page)).toMatchObject({ total: 600, next: expect.any(String) });
  });

  it.each([
    ["status=running", ["c", "a"]],
    ["workerId=tester", ["c"]],
    ["sessionId=s2", ["c"]],
    ["status=succeeded&workerId=coder", ["b"]],
    ["workerId=nobody", []],
  ])("filters by %s", async (query, expected) => {
    const { url } = await startWithJobs();
    const { body } = await json(fetch(`${url}/v1/jobs?${query}`));
    expect((body as { jobs: { jobId: string }[] }).jobs.map(({ jobId }) => jobId)).toEqual(expected);
  });

  it("goes through pages", async () => {
    const { url } = await startWithJobs();
    expect((await json(fetch(`${url}/v1/jobs?limit=2`))).body).toMatchObject({ total: 3, next: "b" });
    const last = (await json(fetch(`${url}/v1/jobs?limit=2&after=b`))).body;
    expect(last).toMatchObject({ jobs: [{ jobId: "a" }], total: 3 });
    expect(last).not.toHaveProperty("next");
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=x", "limit"],
    ["status=done", "status"],
    ["workerId=a&workerId=b", "workerId"],
    ["after=gone", "after"],
  ])("refuses %s", async (query, path) => {
    const { url } = await startWithJobs();
    expect(await json(fetch(`${url}/v1/jobs?${query}`))).toMatchObject({
      status: 400,
      body: { error: { code: "INVALID_ARGUMENT", path } },
    });
  });
});

describe("GET /v1/jobs/:id", () => {
  it("shows the job and its events", async () => {
    const { url } = await startWithJobs();
    const { status, body } = await json(fetch(`${url}/v1/jobs/b`));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      job: { jobId: "b", status: "succeeded" },
      events: [
        { type: "orchestra.job.created" },
        { type: "orchestra.job.started" },
        { type: "orchestra.job.completed", data: { jobId: "b" } },
      ],
      cursor: "e-6",
    });
    expect(body).not.toHaveProperty("content");
  });

  it("goes through pages of a long story", async () => {
    const { url, publisher } = await startWithJobs();
    for (let count = 0; count < 1_500; count++) publisher.publish(jobEvent("orchestra.job.progress", "a"));
    await publisher.flush();
    const first = (await json(fetch(`${url}/v1/jobs/a`))).body as { events: unknown[]; next: string };
    expect(first.events).toHaveLength(1_000);
    const second = (await json(fetch(`${url}/v1/jobs/a?after=${first.next}`))).body as { events: unknown[] };
    expect(second.events).toHaveLength(502);
    expect(second).not.toHaveProperty("next");
    expect(await json(fetch(`${url}/v1/jobs/a?after=other-1`))).toMatchObject({
      status: 400,
      body: { error: { path: "after" } },
    });
  });

  it("is complete up to its cursor and not beyond, whatever happens while the log is read", async () => {
    const memory = createMemoryEventLog({ epoch: "e" });
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const read: EventLog["read"] = async (options) => {
      asked.resolve();
      await answer.promise;
      return memory.read(options);
    };
    const { url, publisher } = await openTestBridge({ log: createLogWith({ read }, memory) });
    publisher.publish(jobEvent("orchestra.job.created", "j"));
    await publisher.flush();
    const answered = json(fetch(`${url}/v1/jobs/j`));
    await asked.promise;
    publisher.publish(jobEvent("orchestra.job.progress", "j"));
    await publisher.flush();
    answer.resolve();
    const { body } = await answered;
    expect(body).toMatchObject({ events: [{ type: "orchestra.job.created" }], cursor: "e-1" });
    expect((body as { job: object }).job).not.toHaveProperty("progress");
    const feed = await openFeed(`${url}/v1/events?after=e-1`);
    await feed.until(({ events }) => events.length > 0);
    feed.close();
    expect(feed.events.map(({ id, event }) => [id, event])).toEqual([["e-2", "orchestra.job.progress"]]);
  });

  it("is whole although the log gives it in small parts, some of them empty", async () => {
    const memory = createMemoryEventLog({ epoch: "e" });
    const read: EventLog["read"] = ({ after } = {}) => {
      const page = memory.read({ after, limit: 1 }) as EventPage;
      return { ...page, records: page.records.filter(({ event }) => subjectOf(event).jobId === "j") };
    };
    const { url, publisher } = await openTestBridge({ log: createLogWith({ read }, memory) });
    for (let n = 0; n < 12; n++) publisher.publish(jobEvent("orchestra.job.progress", n % 4 ? "j" : "other"));
    await publisher.flush();
    const { body } = await json(fetch(`${url}/v1/jobs/j`));
    expect((body as { events: unknown[] }).events).toHaveLength(9);
    expect(body).not.toHaveProperty("next");
  });

  it("comes in pages that others can wait for when its events are long", async () => {
    const { url, publisher } = await openTestBridge();
    const message = "x".repeat(60_000);
    for (let n = 0; n < 50; n++) publisher.publish(jobEvent("orchestra.job.progress", "j", { message }));
    await publisher.flush();
    const ids: string[] = [];
    let next: string | undefined;
    do {
      const text = await (await fetch(`${url}/v1/jobs/j${next ? `?after=${next}` : ""}`)).text();
      expect(text.length).toBeLessThan(1.2 * 1024 * 1024);
      const page = JSON.parse(text) as { events: { id: string }[]; next?: string };
      ids.push(...page.events.map(({ id }) => id));
      next = page.next;
    } while (next !== undefined);
    expect(ids).toHaveLength(50);
    expect(new Set(ids).size).toBe(50);
  });

  it("is found under ids that look like anything", async () => {
    const { url, publisher } = await openTestBridge();
    const ids = [
      "op:build",
      "workflow:a/b",
      "..",
      "%2e%2e",
      "ü\u2028",
      HOSTILE_TEXT.toWellFormed(),
      "x".repeat(512),
    ];
    for (const id of ids) publisher.publish(jobEvent("orchestra.job.created", id));
    await publisher.flush();
    for (const id of ids.filter((each) => each !== "..")) {
      expect((await json(fetch(`${url}/v1/jobs/${encodeURIComponent(id)}`))).body).toMatchObject({
        job: { jobId: id },
      });
    }
  });

  it("shows the full texts only with the token, while they are held", async () => {
    const content = (jobId: string) =>
      jobId === "b" ? { message: "all of it", response: "done" } : undefined;
    const { url } = await startWithJobs({ content });
    expect(await json(fetch(`${url}/v1/jobs/b?content=1`))).toMatchObject({
      status: 401,
      body: { error: { code: "UNAUTHORIZED" } },
    });
    expect((await json(fetch(`${url}/v1/jobs/b?content=1`, bearer))).body).toMatchObject({
      content: { message: "all of it", response: "done" },
    });
    expect((await json(fetch(`${url}/v1/jobs/a?content=1`, bearer))).body).toMatchObject({ content: null });
    expect((await json(fetch(`${url}/v1/jobs/b?content=0`))).body).not.toHaveProperty("content");
  });

  it("has no content to show where nobody holds any", async () => {
    const { url } = await startWithJobs();
    expect((await json(fetch(`${url}/v1/jobs/b?content=1`, bearer))).body).toMatchObject({ content: null });
  });

  it("does not know what was never created", async () => {
    const { url } = await openTestBridge();
    expect(await json(fetch(`${url}/v1/jobs/none`))).toMatchObject({
      status: 404,
      body: { error: { code: "UNKNOWN_JOB", path: "id" } },
    });
  });
});

describe("GET /v1/status, /v1/schema and the probes", () => {
  it("tell what became of events, who listens and what the log holds", async () => {
    const { url } = await startWithJobs();
    expect((await json(fetch(`${url}/v1/status`))).body).toMatchObject({
      events: { made: 6, appended: 6 },
      sse: { clients: 0, dropped: { slow_bytes: 0, slow_time: 0 } },
      log: { oldest: "e-1", latest: "e-6" },
      jobTable: { jobs: 3, length: expect.any(Number), evicted: 0 },
    });
  });

  it("show a schema that has every type and leaves room for fields to come", async () => {
    const { url } = await openTestBridge();
    const response = await fetch(`${url}/v1/schema`);
    expect(response.headers.get("content-type")).toContain("application/schema+json");
    const text = await response.text();
    const schema = JSON.parse(text) as { oneOf: { properties: { type: { const: string } } }[] };
    expect(schema.oneOf.map(({ properties }) => properties.type.const)).toEqual(EVENT_TYPES);
    expect(text).not.toContain('"additionalProperties":false');
    expect(await (await fetch(`${url}/v1/schema`)).text()).toBe(text);
  });

  it("answer health and readiness, and tell when the log cannot be read", async () => {
    const broken = (await openTestBridge()).log;
    const { url } = await openTestBridge({
      log: {
        append: (batch) => broken.append(batch),
        read: (options) => broken.read(options),
        bounds: () => {
          throw new Error("disk");
        },
        flush: () => broken.flush(),
        close: () => broken.close(),
      },
    });
    expect(await json(fetch(`${url}/healthz`))).toEqual({ status: 200, body: { status: "ok" } });
    expect(await json(fetch(`${url}/readyz`))).toMatchObject({
      status: 503,
      body: { error: { code: "UNAVAILABLE" } },
    });
    const whole = await openTestBridge();
    expect(await json(fetch(`${whole.url}/readyz`))).toEqual({ status: 200, body: { status: "ready" } });
  });
});

describe("POST /v1/events", () => {
  it("takes one event", async () => {
    const { url, log } = await openTestBridge();
    const event = createOrchestratorEvent("orchestra.error", { message: "ouch" });
    const init = posting(JSON.stringify(event), "Application/JSON; charset=utf-8");
    expect(await json(fetch(`${url}/v1/events`, init))).toEqual({
      status: 202,
      body: { accepted: 1, duplicates: 0 },
    });
    expect(await log.read()).toMatchObject({ records: [{ event: JSON.parse(JSON.stringify(event)) }] });
    expect((await json(fetch(`${url}/v1/events`, init))).body).toEqual({ accepted: 0, duplicates: 1 });
  });

  it("takes many events, in order", async () => {
    const { url, jobs } = await openTestBridge();
    const story = [
      jobEvent("orchestra.job.created", "j"),
      jobEvent("orchestra.job.started", "j"),
      jobEvent("orchestra.job.completed", "j"),
    ];
    const init = posting(story.map((event) => JSON.stringify(event)).join("\n"), "Application/X-NDJSON");
    expect(await json(fetch(`${url}/v1/events`, init))).toEqual({
      status: 202,
      body: { accepted: 3, duplicates: 0 },
    });
    expect(jobs.get("j")).toMatchObject({ status: "succeeded" });
    expect((await json(fetch(`${url}/v1/events`, init))).body).toEqual({ accepted: 0, duplicates: 3 });
  });

  it("does not apply a request by half", async () => {
    const { url, log } = await openTestBridge();
    const [good, bad] = [jobEvent("orchestra.job.created", "j"), { type: "orchestra.job.created" }];
    const body = [good, bad].map((event) => JSON.stringify(event)).join("\n");
    expect(await json(fetch(`${url}/v1/events`, posting(body, "application/x-ndjson")))).toMatchObject({
      status: 400,
      body: { error: { code: "INVALID_EVENT", line: 2, path: "version" } },
    });
    expect((await log.bounds()).latest).toBe("e-0");
  });

  it("refuses what contradicts a job's story", async () => {
    const { url } = await startWithJobs();
    const event = jobEvent("orchestra.job.progress", "b");
    expect(await json(fetch(`${url}/v1/events`, posting(JSON.stringify(event))))).toEqual({
      status: 409,
      body: {
        error: {
          code: "CONFLICT",
          message: "The event contradicts the log: job b has ended (succeeded)",
          path: "data.status",
        },
      },
    });
  });
});

describe("POST /v1/jobs/:id/cancel", () => {
  it("hands the job's id and the reason on", async () => {
    const canceled: unknown[] = [];
    const { url } = await openTestBridge({ cancelJob: (id, reason) => void canceled.push([id, reason]) });
    const cancel = (init: RequestInit) =>
      json(fetch(`${url}/v1/jobs/${encodeURIComponent("op:a/b")}/cancel`, init));
    expect(await cancel(posting('{"reason":"enough"}'))).toEqual({ status: 202, body: { jobId: "op:a/b" } });
    expect(await cancel({ method: "POST", ...bearer })).toEqual({ status: 202, body: { jobId: "op:a/b" } });
    expect(canceled).toEqual([
      ["op:a/b", "enough"],
      ["op:a/b", undefined],
    ]);
  });

  it.each([
    ["UNKNOWN_JOB", 404],
    ["ILLEGAL_TRANSITION", 409],
  ] as const)("answers %s with %i", async (code, status) => {
    const { url } = await openTestBridge({
      cancelJob: () => {
        throw new OrchestraError(code, "no");
      },
    });
    expect(await json(fetch(`${url}/v1/jobs/j/cancel`, { method: "POST", ...bearer }))).toEqual({
      status,
      body: { error: { code, message: "no" } },
    });
  });

  it("refuses a reason that is no text", async () => {
    const { url } = await openTestBridge({ cancelJob: () => {} });
    expect(await json(fetch(`${url}/v1/jobs/j/cancel`, posting('{"reason":7}')))).toMatchObject({
      status: 400,
      body: { error: { code: "INVALID_ARGUMENT", path: "reason" } },
    });
    expect(await json(fetch(`${url}/v1/jobs/j/cancel`, posting("{")))).toMatchObject({
      body: { error: { code: "INVALID_JSON" } },
    });
  });

  it("is no route where nobody can cancel", async () => {
    const { url } = await openTestBridge();
    expect(await json(fetch(`${url}/v1/jobs/j/cancel`, { method: "POST", ...bearer }))).toMatchObject({
      status: 404,
      body: { error: { code: "NOT_FOUND" } },
    });
  });
});

describe("a fault of ours", () => {
  it("is answered without its details and told to the host", async () => {
    const faults: unknown[] = [];
    const fault = new Error("secret path /etc/x");
    const { url } = await openTestBridge({
      status: () => {
        throw fault;
      },
      onError: (error) => faults.push(error),
    });
    expect(await json(fetch(`${url}/v1/status`))).toEqual({
      status: 500,
      body: { error: { code: "INTERNAL", message: "An unexpected fault on our side; the process goes on." } },
    });
    expect(faults).toEqual([fault]);
  });
});

describe("the bridge", () => {
  it("tells where it listens, also when it listens everywhere or on IPv6", async () => {
    const all = await openTestBridge({ host: "0.0.0.0" });
    expect(all.url).toBe(`http://127.0.0.1:${all.port}`);
    expect((await fetch(`${all.url}/healthz`)).status).toBe(200);
    const six = await openTestBridge({ host: "::1" });
    expect(six.url).toBe(`http://[::1]:${six.port}`);
    expect((await fetch(`${six.url}/healthz`)).status).toBe(200);
  });

  it("listens as localhost on one address, and closes what is connected to it", async () => {
    const { bridge, port } = await openTestBridge({ host: "localhost" });
    expect(bridge.url).toBe(`http://localhost:${port}`);
    expect((await fetch(`${bridge.url}/healthz`)).status).toBe(200);
    const socket = connect(port, bridge.address.address);
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.resume();
    socket.write("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{");
    const cutOff = once(socket, "close");
    await bridge.close({ deadlineMs: 100 });
    await cutOff;
    await expect(fetch(`${bridge.url}/healthz`)).rejects.toThrow();
  });

  it("says which address it could not bind", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    await expect(openTestBridge({ port })).rejects.toThrow(
      expect.objectContaining({
        code: "UNAVAILABLE",
        path: "port",
        message: expect.stringContaining(`127.0.0.1:${port}`),
      }),
    );
    await new Promise((resolve) => taken.close(resolve));
  });

  it("does not start where its options would leave it open", async () => {
    await expect(startBridge({ host: "0.0.0.0", port: 0 } as BridgeOptions)).rejects.toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", path: "token" }),
    );
  });

  it("closes although connections are open that never asked, and twice is once", async () => {
    const { bridge, port } = await openTestBridge();
    const silent = rawRequest(port, "");
    const slow = rawRequest(
      port,
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{",
    );
    expect((await fetch(`${bridge.url}/healthz`)).status).toBe(200);
    const closed = bridge.close({ deadlineMs: 100 });
    expect(bridge.close()).toBe(closed);
    await closed;
    await Promise.all([silent, slow]);
    await expect(fetch(`${bridge.url}/healthz`)).rejects.toThrow();
  });
});
