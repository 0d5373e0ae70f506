import { describe, expect, it } from "vitest";
import type { Job } from "../../../src/job/job.ts";
import { GEN_AI, GENERAL, ORCHESTRA, SPAN_EVENT } from "../../../src/semconv.ts";
import {
  type RecordedCall,
  Replay,
  type ReplayOptions,
  recordedCalls,
} from "../../fixtures/opencode-replay.ts";
import { milliseconds, PARENT_SPAN_CONTEXT, PARENT_TRACEPARENT } from "../../fixtures/traced-job.ts";

function replay(scenario: string, options?: ReplayOptions): Replay {
  return new Replay(options).run(recordedCalls(scenario));
}

const traceOf = (traceparent: string | undefined) => traceparent?.split("-")[2];

describe("a job", () => {
  it("is a prompt of its agent, in its session, from when it was written to when the session is idle", () => {
    const { jobs } = replay("plain");
    const calls = recordedCalls("plain");
    const prompt = calls.find(({ hook }) => hook === "chat.message")?.output as {
      message: { id: string; sessionID: string; time: { created: number } };
    };
    const { id, sessionID, time } = prompt.message;
    const idle = calls.find((call) => JSON.stringify(call).includes("session.idle")) as RecordedCall;
    expect(jobs).toMatchObject([
      { id, workerId: "build", sessionId: sessionID, startedAt: time.created, finishedAt: idle.at },
    ]);
  });

  it("is a subagent, in the session of who asked for it, with the description as its task", () => {
    const [parent, child] = replay("subagent").jobs as [Job, Job];
    expect(child).toMatchObject({
      workerId: "general",
      sessionId: parent.sessionId,
      parentJobId: parent.id,
      message: "a task",
    });
  });

  it("moves on with its steps and tools", () => {
    const replayed = replay("subagent");
    const [, child] = replayed.jobs as [Job, Job];
    const progress = replayed.events.flatMap(({ type, data }) =>
      type === "orchestra.job.progress" && "jobId" in data && data.jobId === child.id ? [data] : [],
    );
    expect(progress).toMatchObject([
      { message: "step 1", stage: "step" },
      { message: "bash", stage: "tool", current: 1, unit: "tools" },
      { message: "step 2", stage: "step" },
    ]);
  });

  it("tells of retries and of the wait for a permission", () => {
    const stages = (scenario: string) =>
      replay(scenario).events.flatMap(({ type, data }) =>
        type === "orchestra.job.progress" && "stage" in data && /retry|permission/.test(String(data.stage))
          ? [data.message]
          : [],
      );
    expect(stages("abort-retry")).toEqual(["retry 1: boom 500"]);
    expect(stages("permission")).toEqual([
      "waiting for permission: bash",
      "permission bash: once",
      "waiting for permission: bash",
      "permission bash: reject",
    ]);
  });

  it("says nothing of prompts and answers", () => {
    const { jobs, events, spans } = replay("subagent");
    const told = JSON.stringify([jobs, events, spans.map(({ attributes }) => attributes)]);
    expect(told).not.toMatch(/CHILDTOOL|done with tools|"TASK"/);
    expect(jobs[0]?.message).toBe("prompt of 4 characters");
  });

  it("has the prompt and the answer when that is asked for", () => {
    const [parent, child] = replay("subagent", { captureContent: true }).jobs;
    expect(parent).toMatchObject({ message: "TASK", responseText: "done with tools " });
    expect(child).toMatchObject({ message: "a task", responseText: "done with tools " });
  });

  it("gets over an error after which the model is called again, but not over the last one", () => {
    const calls = recordedCalls("subagent");
    const sessionID = calls.find(({ hook }) => hook === "chat.message")?.input?.sessionID;
    const error = { name: "ContextOverflowError", data: { message: "too long" } };
    const event = { type: "session.error", properties: { sessionID, error } };
    const failAt = (index: number) =>
      new Replay().run(
        calls.toSpliced(index, 0, { at: calls[index]?.at as number, hook: "event", input: { event } }),
      );
    const last = calls.findLastIndex((call) => JSON.stringify(call).includes("session.status"));
    expect(failAt(20).story).toEqual(["build succeeded", "  general succeeded"]);
    expect(failAt(last).story).toEqual([
      "build failed ContextOverflowError: too long",
      "  general succeeded",
    ]);
  });

  it("failed when its model's message has an error, even if nothing else tells of it", () => {
    const calls = recordedCalls("llm-400");
    const told = calls.filter(
      (call) => !/session.error|session.idle|"idle"|dispose/.test(JSON.stringify(call)),
    );
    const idle = calls.filter((call) => JSON.stringify(call).includes("session.idle")).slice(-1);
    expect(new Replay().run([...told, ...idle]).story).toEqual([
      "build failed APIError: bad request by fake",
    ]);
  });

  it("is canceled by somebody else only once, and its session is stopped", () => {
    const aborted: string[] = [];
    const calls = recordedCalls("abort-child");
    const isWorking = calls.findIndex((call) => JSON.stringify(call).includes("session.error"));
    const replayed = new Replay({ abort: (sessionId) => aborted.push(sessionId) });
    replayed.run(calls.slice(0, isWorking));
    const child = replayed.jobs[1] as Job;
    const open = replayed.registry.get(child.id);
    expect(open?.status).toBe("running");
    replayed.registry.cancel(child.id, { reason: "enough" });
    replayed.run(calls.slice(isWorking));
    expect(replayed.story).toEqual(["build succeeded", "  general canceled: enough"]);
    expect(aborted).toHaveLength(1);
    expect(calls.map((call) => JSON.stringify(call)).join()).toContain(`"sessionId":"${aborted[0]}"`);
    expect(replayed.faults).toEqual([]);
  });

  it("is not made of a prompt when only subagents are to be jobs", () => {
    const replayed = replay("nested", { prompts: false, traceparent: PARENT_TRACEPARENT });
    expect(replayed.story).toEqual(["general succeeded", "  general succeeded"]);
    expect(replayed.span("invoke_agent general").parentSpanContext).toMatchObject(PARENT_SPAN_CONTEXT);
    expect(replayed.spans.filter(({ name }) => name.startsWith("chat"))).toHaveLength(4);
    expect(replayed.openSpans).toBe(0);
  });
});

describe("the span of a call", () => {
  it("of a tool lasts from its first start to its own end", () => {
    const span = replay("subagent").span("execute_tool bash");
    const states = recordedCalls("subagent").flatMap(({ input }) => {
      const { properties } = (input?.event ?? {}) as {
        properties?: { part?: { tool?: string; state?: object } };
      };
      return properties?.part?.tool === "bash"
        ? [properties.part.state as { time?: { start: number; end?: number } }]
        : [];
    });
    const running = states.find(({ time }) => time !== undefined);
    expect(milliseconds(span.startTime)).toBe(running?.time?.start);
    expect(milliseconds(span.endTime)).toBe(states.at(-1)?.time?.end);
    expect(span.attributes).toMatchObject({
      [GEN_AI.OPERATION_NAME]: "execute_tool",
      [GEN_AI.TOOL_NAME]: "bash",
      [GEN_AI.TOOL_CALL_ID]: "call_t7k1o7s7",
      [GEN_AI.AGENT_NAME]: "general",
    });
  });

  it("of a model has its usage, and ends when the model has spoken, not when its tools are done", () => {
    const replayed = replay("subagent");
    const [chat, tool] = [replayed.span("chat fake-1"), replayed.span("execute_tool task")];
    expect(chat.attributes).toMatchObject({
      [GEN_AI.REQUEST_MODEL]: "fake-1",
      [GEN_AI.PROVIDER_NAME]: "fake",
      [GEN_AI.USAGE_INPUT_TOKENS]: 11,
      [GEN_AI.USAGE_OUTPUT_TOKENS]: 7,
      [ORCHESTRA.USAGE_COST]: 0,
    });
    expect(milliseconds(chat.endTime)).toBeLessThan(milliseconds(tool.endTime));
  });

  it("belongs to its job, and to the session that it is made in", () => {
    const replayed = replay("subagent");
    const [parent, child] = replayed.jobs as [Job, Job];
    const { attributes } = replayed.span("execute_tool bash");
    expect(attributes).toMatchObject({
      [ORCHESTRA.JOB_ID]: child.id,
      [ORCHESTRA.SESSION_ID]: parent.sessionId,
    });
    expect(attributes[GEN_AI.CONVERSATION_ID]).not.toBe(parent.sessionId);
    expect(attributes[GENERAL.SESSION_ID]).toBe(attributes[GEN_AI.CONVERSATION_ID]);
    expect(attributes).not.toHaveProperty([ORCHESTRA.WORKER_ID]);
  });

  it("has the waits for permissions and the retries as events", () => {
    const events = (scenario: string, name: string) =>
      replay(scenario)
        .span(name)
        .events.map((event) => [event.name, event.attributes]);
    expect(events("permission", "execute_tool bash")).toEqual([
      [SPAN_EVENT.PERMISSION_ASKED, { [ORCHESTRA.PERMISSION_NAME]: "bash" }],
      [
        SPAN_EVENT.PERMISSION_REPLIED,
        { [ORCHESTRA.PERMISSION_NAME]: "bash", [ORCHESTRA.PERMISSION_REPLY]: "once" },
      ],
    ]);
    expect(events("llm-500", "chat fake-1")).toEqual(
      [1, 2, 3, 4, 5].map((attempt) => [SPAN_EVENT.RETRY, { [ORCHESTRA.RETRY_ATTEMPT]: attempt }]),
    );
  });

  it("tells why it failed only when content may leave", () => {
    const statusOf = (options?: ReplayOptions) => replay("llm-400", options).span("chat fake-1").status;
    expect(statusOf()).toEqual({ code: 2 });
    expect(statusOf({ captureContent: true })).toEqual({ code: 2, message: "bad request by fake" });
  });
});

describe("trace context", () => {
  it("of the process is the parent of prompts", () => {
    const { parentSpanContext } = replay("plain", { traceparent: PARENT_TRACEPARENT }).span(
      "invoke_agent build",
    );
    expect(parentSpanContext).toMatchObject(PARENT_SPAN_CONTEXT);
  });

  it("in a prompt's metadata wins over that", () => {
    const calls = recordedCalls("plain");
    const message = calls.find(({ hook }) => hook === "chat.message") as RecordedCall;
    const { parts } = message.output as { parts: { metadata?: object }[] };
    for (const part of parts) part.metadata = { traceparent: PARENT_TRACEPARENT };
    const other = "00-11111111111111111111111111111111-2222222222222222-01";
    const { parentSpanContext } = new Replay({ traceparent: other }).run(calls).span("invoke_agent build");
    expect(parentSpanContext).toMatchObject(PARENT_SPAN_CONTEXT);
  });

  it("is left out when it is none", () => {
    const replayed = replay("plain", { traceparent: "garbage" });
    expect(replayed.span("invoke_agent build").parentSpanContext).toBeUndefined();
    expect(replayed.story).toEqual(["build succeeded"]);
  });

  it("of a tool is handed to what it starts", () => {
    const replayed = replay("subagent");
    const { spanId } = replayed.span("execute_tool bash").spanContext();
    expect(replayed.handedToTools.map(({ traceparent }) => traceOf(traceparent))).toEqual([spanId]);
  });

  it("of the call is handed to the model, and that of the job to whatever else asks", () => {
    const calls = recordedCalls("subagent");
    const answer = calls.findIndex((call) => JSON.stringify(call).includes("step-start"));
    const sessionId = calls.find(({ hook }) => hook === "chat.message")?.input?.sessionID as string;
    const replayed = new Replay().run(calls.slice(0, answer));
    const handed = [
      replayed.fold.chatTraceparent(sessionId),
      replayed.fold.toolTraceparent(sessionId, "none"),
    ];
    replayed.run(calls.slice(answer));
    const ids = ["chat fake-1", "invoke_agent build"].map((name) => replayed.span(name).spanContext().spanId);
    expect(handed.map(traceOf)).toEqual(ids);
    expect(replayed.fold.chatTraceparent(sessionId)).toBeUndefined();
  });
});
