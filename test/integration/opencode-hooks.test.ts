import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OpenCodeRig, SUBAGENT_SPANS, tell, told } from "../fixtures/opencode-rig.ts";
import { readStoredLog } from "../torture/stored-log.ts";

let rig: OpenCodeRig;

beforeEach(async () => {
  rig = await OpenCodeRig.open();
});

afterEach(() => rig.close());

describe("the plugin's hooks", () => {
  it("tell of what came before the telemetry was up, and have all of it away when they are let go", async () => {
    const { hooks } = rig.start();
    await tell(hooks, told("subagent"));
    await hooks.dispose?.();
    expect(rig.spanNames()).toEqual(SUBAGENT_SPANS);
    expect(rig.stored()).toMatchObject([
      { workerId: "build", status: "succeeded" },
      { workerId: "general", status: "succeeded" },
    ]);
  });

  it("serve the feed, and hand trace context on", async () => {
    const { hooks, opencode } = rig.start();
    const url = await opencode.feed();
    const calls = told("subagent");
    await tell(hooks, calls);
    const outputs = (name: string) => calls.filter(({ hook }) => hook === name).map(({ output }) => output);
    const { jobs } = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: { traceparent: string }[] };
    const trace = jobs[0]?.traceparent.split("-")[1];
    expect(outputs("shell.env")).toEqual([{ env: { TRACEPARENT: expect.stringContaining(`00-${trace}-`) } }]);
    expect(outputs("chat.headers")).toEqual(
      Array(outputs("chat.headers").length).fill({
        headers: { traceparent: expect.stringContaining(`00-${trace}-`) },
      }),
    );
  });

  it("hand no trace context on where that is switched off, nor over another one", async () => {
    const { hooks, opencode } = rig.start({ propagate: { chatHeaders: false } });
    await opencode.feed();
    const calls = told("subagent");
    const own = { env: { TRACEPARENT: "theirs" } };
    for (const call of calls) if (call.hook === "shell.env") call.output = own;
    await tell(hooks, calls);
    expect(own).toEqual({ env: { TRACEPARENT: "theirs" } });
    const headers = calls.filter(({ hook }) => hook === "chat.headers").map(({ output }) => output);
    expect(new Set(headers.map((output) => JSON.stringify(output)))).toEqual(new Set(['{"headers":{}}']));
  });

  it("of several directories share one telemetry, which ends with the last and begins anew", async () => {
    const [one, two] = [rig.start(), rig.start()];
    const url = await one.opencode.feed();
    await tell(one.hooks, told("plain"));
    await one.hooks.dispose?.();
    await tell(two.hooks, told("llm-400"));
    const jobs = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: object[] };
    expect(jobs.jobs).toHaveLength(2);
    await two.hooks.dispose?.();
    await expect(fetch(`${url}/v1/jobs`)).rejects.toThrow("fetch failed");
    const three = rig.start();
    await three.opencode.feed();
    await tell(three.hooks, told("nested"));
    await three.hooks.dispose?.();
    expect(rig.stored()).toHaveLength(5);
  });

  it("cancel what a directory leaves open", async () => {
    const { hooks } = rig.start();
    await tell(hooks, told("abort-parent").slice(0, 20));
    await hooks.dispose?.();
    expect(rig.stored()).toMatchObject([
      { status: "canceled", reason: "directory closed" },
      { status: "canceled", reason: "directory closed" },
    ]);
  });

  it("stop the session of a job that is canceled from outside", async () => {
    const { hooks, opencode } = rig.start({ bridge: { port: 0, token: "a-token-for-tests" } });
    const url = await opencode.feed();
    const calls = told("abort-parent");
    await tell(hooks, calls.slice(0, 20));
    const { jobs } = (await (await fetch(`${url}/v1/jobs`)).json()) as {
      jobs: { jobId: string; parentJobId?: string; sessionId: string }[];
    };
    const prompt = jobs.find(({ parentJobId }) => parentJobId === undefined);
    const response = await fetch(`${url}/v1/jobs/${prompt?.jobId}/cancel`, {
      method: "POST",
      headers: { authorization: "Bearer a-token-for-tests" },
    });
    expect(response.status).toBe(202);
    expect(opencode.aborted).toEqual([prompt?.sessionId]);
    await hooks.dispose?.();
    expect(rig.stored()).toMatchObject([
      { status: "canceled", reason: "aborted" },
      { status: "canceled", reason: "aborted" },
    ]);
  });

  it("tell of what came when too many waited for the telemetry", async () => {
    const { hooks, opencode } = rig.start();
    const idle = { event: { type: "session.idle", properties: { sessionID: "s" } } };
    for (let count = 0; count < 10_003; count++) void hooks.event?.(idle);
    await opencode.feed();
    await hooks.dispose?.();
    const message =
      "3 events came before the telemetry was up, when 10000 waited already: they are not told of";
    expect(opencode.log).toContain(`orchestra-otel: ${message}`);
    expect(rig.errors()).toEqual([message]);
  });

  it("let no prompt and no answer out", async () => {
    const { hooks } = rig.start();
    await tell(hooks, told("subagent"));
    await hooks.dispose?.();
    const out = JSON.stringify([readStoredLog(rig.dataFile).events, spansAsText()]);
    expect(out).toContain("a task");
    expect(out).not.toMatch(/CHILDTOOL|done with tools|"TASK"/);
  });

  it("let out what is asked for, but for what is to be taken out of it", async () => {
    const { hooks } = rig.start({ captureContent: true, redact: ["with \\w+"] });
    await tell(hooks, told("subagent"));
    await hooks.dispose?.();
    expect(rig.stored()).toMatchObject([
      { responsePreview: "done [redacted] " },
      { responsePreview: "done [redacted] " },
    ]);
    expect(spansAsText()).toContain('"TASK"');
  });
});

function spansAsText(): string {
  return JSON.stringify(rig.receiver.spans, (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
}

describe("OpenCode", () => {
  it.each([
    () => {
      throw new Error("no log");
    },
    () => undefined,
  ])("gets all hooks when its log cannot be used", async (log) => {
    const options = { dataFile: "memory", bridge: false, traces: false, prompts: "yes", nonsense: 1 };
    const hooks = rig.hooksOf({ client: { app: { log } } }, options, {});
    const names = ["chat.headers", "chat.message", "dispose", "event", "shell.env"];
    expect(Object.keys(hooks).sort()).toEqual(names);
  });

  it("gets hooks that do nothing bad, whatever it hands over", async () => {
    for (const input of [undefined, null, 1, { client: null }, { client: { app: { log: 1 } } }]) {
      const hooks = rig.hooksOf(input, { dataFile: "memory", bridge: false, traces: false }, {});
      for (const hook of ["event", "chat.message", "chat.headers", "shell.env"] as const) {
        await expect(hooks[hook]?.(input, input)).resolves.toBeUndefined();
      }
    }
  });
});
