import { describe, it } from "vitest";
import type { ReceivedSpan } from "../fixtures/otlp-trace-decoder.ts";
import { ONE } from "./rig/stories.ts";
import { expectStory, openStage } from "./rig/test-stage.ts";

const OUTSIDE = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const TRACEPARENT = `00-${OUTSIDE.traceId}-${OUTSIDE.spanId}-01`;

describe.concurrent("trace context", () => {
  it("comes in by TRACEPARENT, and goes on to commands", async (context) => {
    const stage = await openStage(context, { env: { TRACEPARENT } });
    const { stderr } = await stage.run("TRACE").ended;
    const evidence = await stage.evidence();
    const bash = evidence.spans.find(({ name }) => name === "execute_tool bash") as ReceivedSpan;
    const roots = evidence.spans.filter(({ parentSpanId }) => parentSpanId === OUTSIDE.spanId);
    context.expect(roots.map(({ name }) => name)).toEqual(["invoke_agent build"]);
    context.expect(stderr).toContain(`trace=00-${OUTSIDE.traceId}-${bash.spanId}-01\n`);
    const outside = { ...bash, ...OUTSIDE, parentSpanId: undefined, scope: "outside" };
    expectStory(
      { ...evidence, spans: [...evidence.spans, outside] },
      {
        jobs: ["build succeeded"],
        spans: ["invoke_agent build", "  chat fake-1", "  execute_tool bash", "  chat fake-1"],
      },
      context,
    );
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
