import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenCodeHooks } from "../../src/host/opencode-hooks.ts";
import { openCodeHooks } from "../../src/host/opencode-hooks.ts";
import { SPAN_JOB_STARTED } from "../../src/semconv.ts";
import { type RecordedCall, recordedCalls } from "../fixtures/opencode-replay.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../fixtures/otlp-receiver.ts";
import { jobsOf, readStoredLog } from "../torture/stored-log.ts";

let folder: string;
let receiver: OtlpReceiver;
const open: OpenCodeHooks[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "orchestra-opencode-"));
  receiver = await startOtlpReceiver();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((hooks) => hooks.dispose?.()));
  await receiver.close();
  rmSync(folder, { recursive: true });
});

/** What OpenCode hands a plugin, as far as that uses it. */
class TestOpenCode {
  readonly log: string[] = [];
  readonly aborted: string[] = [];
  readonly #watchers = new Set<() => void>();

  readonly input = {
    client: {
      app: {
        log: async ({ body }: { body: { message: string } }) => {
          this.log.push(body.message);
          for (const look of this.#watchers) look();
        },
      },
      session: {
        abort: async ({ path }: { path: { id: string } }) => void this.aborted.push(path.id),
      },
    },
  };

  /** The address of the feed, once it is served. */
  async feed(): Promise<string> {
    return await new Promise((resolve) => {
      const look = () => {
        const found = this.log
          .map((line) => /^orchestra-otel: The feed is at (\S+)\/v1\/events$/.exec(line)?.[1])
          .find(Boolean);
        if (found !== undefined) resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }
}

function start(options: object = {}, opencode = new TestOpenCode()) {
  const given = { dataFile: dataFile(), bridge: { port: 0 }, traces: { url: receiver.url }, ...options };
  const hooks = openCodeHooks(opencode.input, given, { TRACEPARENT: undefined });
  open.push(hooks);
  return { hooks, opencode };
}

const dataFile = () => join(folder, "opencode.db");

async function tell(hooks: OpenCodeHooks, calls: readonly RecordedCall[]): Promise<void> {
  for (const { hook, input, output } of calls) {
    if (hook !== "dispose") await hooks[hook]?.(input, output);
  }
}

const told = (scenario: string) => recordedCalls(scenario).filter(({ hook }) => hook !== "dispose");
const stored = () => [...jobsOf(readStoredLog(dataFile())).values()].map((events) => events.at(-1)?.data);
const spanNames = () =>
  receiver.spans
    .map(({ name }) => name)
    .filter((name) => name !== SPAN_JOB_STARTED)
    .sort();

const SUBAGENT_SPANS = [
  "chat fake-1",
  "chat fake-1",
  "chat fake-1",
  "chat fake-1",
  "execute_tool bash",
  "execute_tool task",
  "invoke_agent build",
  "invoke_agent general",
];

describe("the plugin's hooks", () => {
  it("tell of what came before the telemetry was up, and have all of it away when they are let go", async () => {
    const { hooks } = start();
    await tell(hooks, told("subagent"));
    await hooks.dispose?.();
    expect(spanNames()).toEqual(SUBAGENT_SPANS);
    expect(stored()).toMatchObject([
      { workerId: "build", status: "succeeded" },
      { workerId: "general", status: "succeeded" },
    ]);
  });

  it("serve the feed, and hand trace context on", async () => {
    const { hooks, opencode } = start();
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
    const { hooks, opencode } = start({ propagate: { chatHeaders: false } });
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
    const [one, two] = [start(), start()];
    const url = await one.opencode.feed();
    await tell(one.hooks, told("plain"));
    await one.hooks.dispose?.();
    await tell(two.hooks, told("llm-400"));
    const jobs = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: object[] };
    expect(jobs.jobs).toHaveLength(2);
    await two.hooks.dispose?.();
    await expect(fetch(`${url}/v1/jobs`)).rejects.toThrow("fetch failed");
    const three = start();
    await three.opencode.feed();
    await tell(three.hooks, told("nested"));
    await three.hooks.dispose?.();
    expect(stored()).toHaveLength(5);
  });

  it("cancel what a directory leaves open", async () => {
    const { hooks } = start();
    await tell(hooks, told("abort-parent").slice(0, 20));
    await hooks.dispose?.();
    expect(stored()).toMatchObject([
      { status: "canceled", reason: "directory closed" },
      { status: "canceled", reason: "directory closed" },
    ]);
  });

  it("stop the session of a job that is canceled from outside", async () => {
    const { hooks, opencode } = start({ bridge: { port: 0, token: "a-token-for-tests" } });
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
  });

  it("let no prompt and no answer out", async () => {
    const { hooks } = start();
    await tell(hooks, told("subagent"));
    await hooks.dispose?.();
    const out = JSON.stringify([readStoredLog(dataFile()).events, spansAsText()]);
    expect(out).toContain("a task");
    expect(out).not.toMatch(/CHILDTOOL|done with tools|"TASK"/);
  });

  it("let out what is asked for, but for what is to be taken out of it", async () => {
    const { hooks } = start({ captureContent: true, redact: ["with \\w+"] });
    await tell(hooks, told("subagent"));
    await hooks.dispose?.();
    expect(stored()).toMatchObject([
      { responsePreview: "done [redacted] " },
      { responsePreview: "done [redacted] " },
    ]);
    expect(spansAsText()).toContain('"TASK"');
  });
});

function spansAsText(): string {
  return JSON.stringify(receiver.spans, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

describe("options that cannot be used", () => {
  it("are told of in OpenCode's log and in the feed, and left out", async () => {
    const { hooks, opencode } = start({
      nonsense: 1,
      logCapacity: -1,
      bridge: { port: 0, prot: 1 },
      propagate: { x: 1 },
    });
    await opencode.feed();
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    const problems = ["propagate.x", "bridge.prot", "logCapacity", "nonsense"];
    for (const path of problems) expect(opencode.log.join("\n")).toContain(`Option \`${path}\``);
    const errors = readStoredLog(dataFile()).events.filter(({ event }) => event.type === "orchestra.error");
    expect(errors).toHaveLength(problems.length);
    expect(spanNames()).toEqual(["chat fake-1", "invoke_agent build"]);
  });

  it("may be variables", async () => {
    const opencode = new TestOpenCode();
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", ORCHESTRA_DATA_FILE: dataFile() };
    const hooks = openCodeHooks(opencode.input, { bridge: { port: 0 }, traces: { url: receiver.url } }, env);
    open.push(hooks);
    await opencode.feed();
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    expect(opencode.log.join("\n")).toContain("`OTEL_EXPORTER_OTLP_PROTOCOL`");
    expect(spanNames()).toEqual(["chat fake-1", "invoke_agent build"]);
    expect(stored()).toHaveLength(1);
  });

  it("are not needed: the data file is in the state directory then", async () => {
    const opencode = new TestOpenCode();
    const env = { XDG_STATE_HOME: folder, HOME: "/nonexistent" };
    const hooks = openCodeHooks(opencode.input, { bridge: false, traces: { url: receiver.url } }, env);
    open.push(hooks);
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    expect(jobsOf(readStoredLog(join(folder, "orchestra-otel", "opencode.db"))).size).toBe(1);
    expect(receiver.spans.map(({ resource }) => resource["service.name"])).toContain("opencode");
  });

  it("may be the state directory, of which OpenCode's log tells", async () => {
    const opencode = new TestOpenCode();
    const file = join(folder, "file");
    writeFileSync(file, "");
    const hooks = openCodeHooks(opencode.input, { bridge: false, traces: false }, { XDG_STATE_HOME: file });
    open.push(hooks);
    await hooks.dispose?.();
    expect(opencode.log).toEqual([
      expect.stringMatching(/opencode\.db cannot be opened: .*; it is left out$/),
    ]);
  });

  it("are no data file: then events and spans are in memory", async () => {
    mkdirSync(dataFile());
    const { hooks, opencode } = start();
    const url = await opencode.feed();
    await tell(hooks, told("plain"));
    const { jobs } = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: object[] };
    expect(jobs).toMatchObject([{ status: "succeeded" }]);
    await hooks.dispose?.();
    expect(spanNames()).toEqual(["chat fake-1", "invoke_agent build"]);
  });
});

describe("OpenCode", () => {
  it.each([
    () => {
      throw new Error("no log");
    },
    () => undefined,
  ])("gets all hooks when its log cannot be used", async (log) => {
    const options = { dataFile: "memory", bridge: false, traces: false, prompts: "yes", nonsense: 1 };
    const hooks = openCodeHooks({ client: { app: { log } } }, options, {});
    open.push(hooks);
    const names = ["chat.headers", "chat.message", "dispose", "event", "shell.env"];
    expect(Object.keys(hooks).sort()).toEqual(names);
  });

  it("gets hooks that do nothing bad, whatever it hands over", async () => {
    for (const input of [undefined, null, 1, { client: null }, { client: { app: { log: 1 } } }]) {
      const hooks = openCodeHooks(input, { dataFile: "memory", bridge: false, traces: false }, {});
      open.push(hooks);
      for (const hook of ["event", "chat.message", "chat.headers", "shell.env"] as const) {
        await expect(hooks[hook]?.(input, input)).resolves.toBeUndefined();
      }
    }
  });
});
