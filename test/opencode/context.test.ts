import { describe, it } from "vitest";
import type { ReceivedSpan } from "../fixtures/otlp-trace-decoder.ts";
import type { Evidence } from "./rig/audit.ts";
import { PLUGIN } from "./rig/plugin-package.ts";
import { ONE, PLAIN } from "./rig/stories.ts";
import { expectStory, openStage } from "./rig/test-stage.ts";

const OUTSIDE = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const TRACEPARENT = `00-${OUTSIDE.traceId}-${OUTSIDE.spanId}-01`;
const WITH_COMMAND = ["invoke_agent build", "  chat fake-1", "  execute_tool bash", "  chat fake-1"];

/** The span that OUTSIDE names, which nobody here has sent. */
function outsideOf(evidence: Evidence): Evidence {
  const [any] = evidence.spans as [ReceivedSpan];
  const outside = { ...any, ...OUTSIDE, parentSpanId: undefined, scope: "outside" };
  return { ...evidence, spans: [...evidence.spans, outside] };
}

function traceparentsOf({ spans }: Evidence, name: string): string[] {
  return spans
    .filter((span) => span.name === name)
    .toSorted((a, b) => Number(a.startTime - b.startTime))
    .map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
}

function childrenOfOutside({ spans }: Evidence): string[] {
  return spans.filter(({ parentSpanId }) => parentSpanId === OUTSIDE.spanId).map(({ name }) => name);
}

describe.concurrent("trace context", () => {
  it("comes in by TRACEPARENT, and goes on to commands and to the model", async (context) => {
    const stage = await openStage(context, { env: { TRACEPARENT } });
    const { stderr } = await stage.run("TRACE").ended;
    const evidence = await stage.evidence();
    expectStory(outsideOf(evidence), { ...PLAIN, spans: WITH_COMMAND }, context);
    context.expect(childrenOfOutside(evidence)).toEqual(["invoke_agent build"]);
    context.expect(stderr).toContain(`trace=${traceparentsOf(evidence, "execute_tool bash")[0]}\n`);
    const asked = stage.llm.requests.map(({ traceparent }) => traceparent);
    context.expect(asked).toEqual(traceparentsOf(evidence, "chat fake-1"));
  });

  it("comes in by a prompt's metadata, and goes nowhere when told so", async (context) => {
    const propagate = { chatHeaders: false, shellEnv: false };
    const stage = await openStage(context, { plugins: [[PLUGIN, { propagate }]] });
    const [server, feed] = [await stage.serve(), stage.feed()];
    await server.prompt(await server.createSession(), "TRACE", { metadata: { traceparent: TRACEPARENT } });
    await feed.ended(1);
    await server.process.kill("SIGTERM");
    const evidence = await stage.evidence();
    expectStory(outsideOf(evidence), { ...PLAIN, spans: WITH_COMMAND }, context);
    context.expect(childrenOfOutside(evidence)).toEqual(["invoke_agent build"]);
    context.expect(stage.llm.requests.map(({ traceparent }) => traceparent)).toEqual([undefined, undefined]);
  });
});

describe.concurrent("OpenCode's own export", () => {
  it("goes on, and ours beside it", async (context) => {
    const stage = await openStage(context, { exportsItself: true });
    await stage.run("ONE").ended;
    const evidence = await stage.evidence();
    const own = evidence.spans.filter(({ scope }) => scope === "opencode").map(({ name }) => name);
    context.expect(own).toEqual(context.expect.arrayContaining(["Plugin.init", "Session.create"]));
    expectStory(evidence, ONE, context);
  });
});
