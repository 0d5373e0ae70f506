import { describe, it, type TestContext } from "vitest";
import { GEN_AI, SPAN_EVENT } from "../../src/semconv.ts";
import type { ReceivedSpan } from "../fixtures/otlp-trace-decoder.ts";
import { isRetrying, toolHasPrinted } from "./rig/host-event.ts";
import { USAGE } from "./rig/llm-stream.ts";
import { cutOff, PLAIN, REFUSED, type Story, together, withoutChild } from "./rig/stories.ts";
import { expectStory, openStage } from "./rig/test-stage.ts";

const BACKGROUND = { OPENCODE_EXPERIMENTAL_BACKGROUND_SUBAGENTS: "true" };
const ASK_FIRST = { permission: { "*": "allow", bash: "ask" } };

/** A server with somebody at its feed, and one session. */
async function openServer(context: TestContext, options: Parameters<typeof openStage>[1] = {}) {
  const stage = await openStage(context, options);
  const [server, feed] = [await stage.serve(), stage.feed()];
  const sessionId = await server.createSession();
  /** Waits until so many jobs have ended, stops the server, and looks at what is left. */
  const settle = async (jobs: number, story: Story) => {
    await feed.ended(jobs);
    const { stdout, stderr } = await server.process.kill("SIGTERM");
    const evidence = await stage.evidence();
    expectStory(evidence, story, context);
    context.expect(feed.events).toEqual(evidence.log.events.map(({ event }) => event));
    context.expect(stdout).toMatch(/^Warning: .* unsecured.\nopencode server listening on \S+\n$/);
    context.expect(stderr).toBe("");
    return evidence;
  };
  return { stage, server, sessionId, settle };
}

describe.concurrent("`opencode serve`", () => {
  it("has a background subagent outlive its tool call", async (context) => {
    const { stage, server, sessionId, settle } = await openServer(context, { env: BACKGROUND });
    await server.prompt(sessionId, "BACK");
    await stage.llm.asked("HOLD");
    stage.llm.release();
    await settle(3, {
      jobs: ["build succeeded", "  general succeeded", "  build succeeded"],
      spans: [
        "invoke_agent build",
        "  chat fake-1",
        "  execute_tool task",
        "  chat fake-1",
        "  invoke_agent general",
        "    chat fake-1",
        // OpenCode itself tells the parent of the end.
        "  invoke_agent build",
        "    chat fake-1",
      ],
    });
  });

  it("cancels both when the parent is aborted", async (context) => {
    const { stage, server, sessionId, settle } = await openServer(context);
    await server.promptAside(sessionId, "SUBHOLD");
    await stage.llm.asked("HOLD");
    await server.abort(sessionId);
    await settle(2, cutOff({ parent: "aborted", child: "aborted" }));
  });

  it("goes on with the parent when the child is aborted", async (context) => {
    const { stage, server, sessionId, settle } = await openServer(context);
    await server.promptAside(sessionId, "SUBHOLD");
    await stage.llm.asked("HOLD");
    const [child = ""] = await server.childrenOf(sessionId);
    await server.abort(child);
    await settle(2, withoutChild("aborted"));
  });

  it("ends the tool's span when a command is aborted", async (context) => {
    const { server, sessionId, settle } = await openServer(context);
    await server.promptAside(sessionId, "SLEEP");
    await server.saw(toolHasPrinted("asleep"));
    await server.abort(sessionId);
    await settle(1, {
      jobs: ["build canceled aborted"],
      spans: ["invoke_agent build [cancellation]", "  chat fake-1", "  execute_tool bash [canceled]"],
    });
  });

  it("cancels what is aborted while it waits for another try", async (context) => {
    const { server, sessionId, settle } = await openServer(context);
    await server.promptAside(sessionId, "PAUSED");
    await server.saw(isRetrying(sessionId));
    await server.abort(sessionId);
    const { spans } = await settle(1, {
      jobs: ["build canceled aborted"],
      spans: ["invoke_agent build [cancellation]", "  chat fake-1 [canceled]"],
    });
    const chat = spans.find(({ name }) => name === "chat fake-1");
    context.expect(chat?.events.map(({ name }) => name)).toEqual([SPAN_EVENT.RETRY]);
  });

  it("goes on when its client is gone, and tells what the model has cost", async (context) => {
    const { stage, server, sessionId, settle } = await openServer(context);
    const abort = new AbortController();
    const answer = server.prompt(sessionId, "HOLD", { signal: abort.signal });
    await stage.llm.asked("HOLD");
    abort.abort();
    await context.expect(answer).rejects.toThrow("aborted");
    stage.llm.release();
    const { spans } = await settle(1, PLAIN);
    const { attributes } = spans.find(({ name }) => name === "chat fake-1") as ReceivedSpan;
    context.expect(attributes[GEN_AI.USAGE_INPUT_TOKENS]).toBe(USAGE.prompt_tokens);
    context.expect(attributes[GEN_AI.USAGE_OUTPUT_TOKENS]).toBe(USAGE.completion_tokens);
  });

  it("tells of the wait for a permission", async (context) => {
    const { server, sessionId, settle } = await openServer(context, { config: ASK_FIRST });
    await server.promptAside(sessionId, "ECHO");
    const asked = await server.saw(({ type }) => type === "permission.asked");
    await server.answerPermission(sessionId, String(asked.properties.id));
    const { spans } = await settle(1, {
      jobs: PLAIN.jobs,
      spans: ["invoke_agent build", "  chat fake-1", "  execute_tool bash", "  chat fake-1"],
    });
    const bash = spans.find(({ name }) => name === "execute_tool bash");
    context
      .expect(bash?.events.map(({ name }) => name))
      .toEqual([SPAN_EVENT.PERMISSION_ASKED, SPAN_EVENT.PERMISSION_REPLIED]);
  });

  it("has one job for each prompt of a session", async (context) => {
    const { server, sessionId, settle } = await openServer(context);
    await server.prompt(sessionId, "PLAIN");
    await server.prompt(sessionId, "REFUSED");
    await server.prompt(sessionId, "PLAIN");
    await settle(3, together(PLAIN, REFUSED, PLAIN));
  });
});
