import { describe, expect, it } from "vitest";
import { encodeLater } from "../../../exporters/sse-frame.ts";
import type { ConnectionState } from "../../../src/client/index.ts";
import { type ClientRig, createClient, eventFrame, heartbeat, quiet } from "./client-rig.ts";

/** Lets the pause before the next request pass, and resolves with how long it was and the request. */
async function next({ time, requests, request }: ClientRig) {
  await quiet();
  const [pauseMs = 0, ...others] = time.waiting();
  expect(others).toEqual([]);
  const index = requests.length;
  time.advance(pauseMs - 1);
  await quiet();
  expect(requests).toHaveLength(index);
  time.advance(1);
  return { pauseMs, request: await request(index) };
}

describe("after a connection is lost", () => {
  it.each([
    ["ended by the server", "end"],
    ["broken", "break"],
  ] as const)("goes on where it was when it is %s", async (_name, how) => {
    const rig = createClient();
    (await rig.request(0)).stream(eventFrame(1));
    await rig.until(() => rig.told.length === 1);
    rig.requests[0]?.[how]();
    const { request } = await next(rig);
    expect(request.query).toBe("?after=e-1");
    request.stream(eventFrame(2));
    await rig.until(() => rig.told.length === 2);
    expect(rig.told).toEqual(["1", "2"]);
  });

  it("goes on after the last heartbeat", async () => {
    const rig = createClient();
    (await rig.request(0)).stream(`${eventFrame(1)}${heartbeat(7)}`).end();
    expect((await next(rig)).request.query).toBe("?after=e-7");
  });

  it("keeps the filters, and leaves the place where it began", async () => {
    const rig = createClient({ from: "e-1", filters: { workerIds: ["w"] } });
    (await rig.request(0)).stream(heartbeat(2)).end();
    expect((await next(rig)).request.query).toBe("?after=e-2&workerId=w");
  });

  it("delivers nothing twice, whatever the server repeats", async () => {
    const rig = createClient();
    (await rig.request(0)).stream(eventFrame(1) + eventFrame(2) + eventFrame(1)).end();
    (await next(rig)).request.stream(eventFrame(2) + eventFrame(3, { id: "id-1" }) + eventFrame(4));
    await rig.until(() => rig.told.length === 3);
    expect(rig.told).toEqual(["1", "2", "4"]);
  });

  it("knows the last thousand events", async () => {
    const rig = createClient();
    const frames = Array.from({ length: 1_001 }, (_, n) => eventFrame(n)).join("");
    (await rig.request(0)).stream(frames + eventFrame(1) + eventFrame(0));
    await rig.until(() => rig.told.length === 1_002);
    expect(rig.told.at(-1)).toBe("0");
  });

  it("closes the connection that it leaves", async () => {
    const rig = createClient();
    (await rig.request(0)).stream(heartbeat(1)).end();
    await next(rig);
    expect(rig.requests[0]?.isAborted).toBe(true);
  });

  it("tells what it does", async () => {
    const states: ConnectionState[] = [];
    const rig = createClient({ onState: (state) => states.push(state) });
    (await rig.request(0)).stream(heartbeat(1)).end();
    (await next(rig)).request.fail("no route");
    await next(rig);
    rig.connection.close();
    expect(states).toEqual([
      { state: "connecting" },
      { state: "open" },
      { state: "waiting", error: new Error("The bridge ended the connection"), retryInMs: 500 },
      { state: "connecting" },
      { state: "waiting", error: new TypeError("no route"), retryInMs: 1_000 },
      { state: "connecting" },
      { state: "closed", error: undefined },
    ]);
    expect(rig.connection.state).toEqual({ state: "closed", error: undefined });
  });
});

describe("the pause before the next try", () => {
  it("doubles up to half a minute, and starts over once something came", async () => {
    const rig = createClient();
    const pauses: number[] = [];
    (await rig.request(0)).fail();
    for (let n = 0; n < 8; n++) {
      const { pauseMs, request } = await next(rig);
      pauses.push(pauseMs);
      if (n === 7) request.stream(heartbeat(1)).end();
      else request.fail();
    }
    pauses.push((await next(rig)).pauseMs);
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 500]);
  });

  it("does not start over when the server only answers", async () => {
    const rig = createClient();
    (await rig.request(0)).stream().end();
    const first = await next(rig);
    first.request.stream(": welcome\n\n").end();
    expect([first.pauseMs, (await next(rig)).pauseMs]).toEqual([500, 1_000]);
  });

  it("is spread over its second half", async () => {
    const rig = createClient({ random: () => 0 });
    (await rig.request(0)).fail();
    expect((await next(rig)).pauseMs).toBe(250);
  });

  it("is what the server asks for, at least, until it answers again", async () => {
    const rig = createClient();
    (await rig.request(0)).stream(`${heartbeat(1)}retry: 4000\n\n`).end();
    const first = await next(rig);
    first.request.fail();
    const second = await next(rig);
    second.request.stream(heartbeat(2)).end();
    expect([first.pauseMs, second.pauseMs, (await next(rig)).pauseMs]).toEqual([4_000, 4_000, 500]);
  });

  it("honours a server that has no room", async () => {
    const rig = createClient();
    (await rig.request(0)).stream(encodeLater("full", 20_000));
    await rig.until(() => rig.connection.state.state === "waiting");
    expect(rig.connection.state).toMatchObject({ error: new Error("The bridge has no room now: full") });
    const first = await next(rig);
    first.request.stream(encodeLater("closing", 15_000));
    expect([first.pauseMs, (await next(rig)).pauseMs]).toEqual([20_000, 15_000]);
    expect(rig.errors).toEqual([]);
  });

  it("is not shorter than an answer asks for", async () => {
    const rig = createClient();
    const later = (seconds: string) => new Response("", { status: 503, headers: { "retry-after": seconds } });
    (await rig.request(0)).answer(later("7"));
    const first = await next(rig);
    first.request.answer(later("Fri, 01 Jan 2027 00:00:00 GMT"));
    expect([first.pauseMs, (await next(rig)).pauseMs]).toEqual([7_000, 1_000]);
  });

  it("is a minute at most, whatever the server asks for", async () => {
    const rig = createClient();
    (await rig.request(0)).stream("retry: 99999999\n\n").end();
    expect((await next(rig)).pauseMs).toBe(60_000);
  });
});

describe("a connection on which nothing comes", () => {
  it("is given up after 45 seconds", async () => {
    const rig = createClient();
    (await rig.request(0)).stream(heartbeat(1));
    await quiet();
    rig.time.advance(44_999);
    (await rig.request(0)).send(": still here\n\n");
    await quiet();
    rig.time.advance(44_999);
    await quiet();
    expect(rig.connection.state.state).toBe("open");
    rig.time.advance(1);
    await rig.until(() => rig.connection.state.state === "waiting");
    expect(rig.connection.state).toMatchObject({ error: new Error("Nothing came for 45000 ms") });
    expect(rig.requests[0]?.isAborted).toBe(true);
    expect((await next(rig)).request.query).toBe("?after=e-1");
  });

  it("is given up while it is being made, too", async () => {
    const rig = createClient({ silenceMs: 1_000 });
    await rig.request(0);
    await quiet();
    rig.time.advance(1_000);
    await rig.until(() => rig.connection.state.state === "waiting");
  });

  it("is given up while the jobs are read, too", async () => {
    const rig = createClient({ silenceMs: 1_000, onSnapshot: () => {} });
    const hanging = new Response(new ReadableStream(), { headers: { "content-type": "application/json" } });
    (await rig.request(0)).answer(hanging);
    await quiet();
    // A fetch of its own would end the body by the signal; what is told here is that the time was up.
    rig.time.advance(1_000);
    expect(rig.requests[0]?.isAborted).toBe(true);
  });

  it("is not on the clock while a handler takes its time", async () => {
    let done = () => {};
    const onEvent = () =>
      new Promise<void>((resolve) => {
        done = resolve;
      });
    const rig = createClient({ onEvent });
    (await rig.request(0)).stream(eventFrame(1));
    await quiet();
    expect(rig.time.waiting()).toEqual([]);
    done();
    await quiet();
    expect(rig.time.waiting()).toEqual([45_000]);
  });
});

describe("a refusal", () => {
  it.each([
    [400, "INVALID_ARGUMENT"],
    [401, "UNAUTHORIZED"],
    [403, "FORBIDDEN_ORIGIN"],
    [404, "NOT_FOUND"],
  ])("ends it for good: %d %s", async (status, code) => {
    const rig = createClient();
    (await rig.request(0)).json({ error: { code, message: "because" } }, status);
    const error = await rig.connection.closed;
    expect(error).toMatchObject({
      name: "FeedError",
      status,
      code,
      isFinal: true,
      message: `${status} ${code}: because`,
    });
    expect(rig.errors).toEqual([error]);
    expect(rig.connection.state).toEqual({ state: "closed", error });
    expect(rig.time.waiting()).toEqual([]);
    expect(rig.requests).toHaveLength(1);
  });

  it("is named by its status when it is not the bridge's", async () => {
    const rig = createClient();
    const answer = new Response("<h1>No</h1>", { status: 403, statusText: "Forbidden" });
    (await rig.request(0)).answer(answer);
    expect(await rig.connection.closed).toMatchObject({ code: "HTTP_403", message: "403 Forbidden" });
  });

  it("of the jobs ends it as well", async () => {
    const rig = createClient({ onSnapshot: () => {} });
    (await rig.request(0)).json({ error: { code: "UNAUTHORIZED", message: "no" } }, 401);
    expect(await rig.connection.closed).toMatchObject({ status: 401 });
  });

  it.each([408, 425, 429, 500, 502, 503])("is tried again when it is %d", async (status) => {
    const rig = createClient();
    (await rig.request(0)).json({ error: { code: "UNAVAILABLE", message: "later" } }, status);
    await rig.until(() => rig.connection.state.state === "waiting");
    expect(rig.connection.state).toMatchObject({ error: { status, isFinal: false } });
    (await next(rig)).request.stream(eventFrame(1));
    await rig.until(() => rig.told.length === 1);
  });

  it.each([
    ["a page", new Response("<h1>Welcome</h1>", { headers: { "content-type": "text/html" } }), "text/html"],
    ["nothing", new Response(null, { status: 204 }), ""],
  ])("is no stream: %s is tried again", async (_name, answer, type) => {
    const rig = createClient();
    (await rig.request(0)).answer(answer);
    await rig.until(() => rig.connection.state.state === "waiting");
    expect(rig.connection.state).toMatchObject({
      error: { message: `Expected an event stream, got \`${type}\`` },
    });
    await next(rig);
  });
});
