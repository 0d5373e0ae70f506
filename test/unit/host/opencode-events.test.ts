import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { factOfEvent, factOfMessage, factOfRequest } from "../../../src/host/opencode-events.ts";
import { recordedCalls } from "../../fixtures/opencode-replay.ts";

const AT = 5;
const event = (type: string, properties: unknown) => factOfEvent({ type, properties }, AT);

describe("the reader of OpenCode's events", () => {
  it("ignores what is of no concern", () => {
    expect(event("plugin.added", { id: "x" })).toBeUndefined();
    expect(event("toString", {})).toBeUndefined();
    expect(event("message.updated", { info: { id: "m", sessionID: "s", role: "user" } })).toBeUndefined();
    expect(
      event("message.part.updated", { part: { sessionID: "s", messageID: "m", type: "step-start" } }),
    ).toBeUndefined();
    expect(event("session.status", { sessionID: "s", status: { type: "compacting" } })).toBeUndefined();
  });

  it("reads permissions in both of their shapes", () => {
    const asked = {
      kind: "permission",
      at: AT,
      sessionId: "s",
      requestId: "p",
      callId: "c",
      permission: "bash",
    };
    const tool = { messageID: "m", callID: "c" };
    expect(event("permission.asked", { id: "p", sessionID: "s", permission: "bash", tool })).toEqual(asked);
    expect(event("permission.updated", { id: "p", sessionID: "s", type: "bash", callID: "c" })).toEqual(
      asked,
    );
    const replied = { kind: "permission-reply", at: AT, sessionId: "s", requestId: "p", reply: "once" };
    expect(event("permission.replied", { sessionID: "s", requestID: "p", reply: "once" })).toEqual(replied);
    expect(event("permission.replied", { sessionID: "s", permissionID: "p", response: "once" })).toEqual(
      replied,
    );
  });

  it("makes up for what is missing", () => {
    expect(event("message.updated", { info: { id: "m", sessionID: "s", role: "assistant" } })).toEqual({
      kind: "step",
      at: AT,
      sessionId: "s",
      messageId: "m",
      promptId: "",
      agent: "unknown",
      model: "unknown",
      provider: "unknown",
      createdAt: AT,
    });
    expect(factOfMessage({}, { message: { id: "m", sessionID: "s" } }, AT)).toEqual({
      kind: "prompt",
      at: AT,
      sessionId: "s",
      messageId: "m",
      agent: "unknown",
      createdAt: AT,
      text: "",
      isSynthetic: false,
    });
    expect(event("session.error", { sessionID: "s", error: { name: "E" } })).toMatchObject({
      error: { name: "E", message: "E" },
    });
  });

  it("leaves out the request that only finds a title", () => {
    expect(factOfRequest({ sessionID: "s", agent: "title" }, AT)).toBeUndefined();
    expect(factOfRequest({ sessionID: "s", agent: "build" }, AT)).toEqual({
      kind: "request",
      at: AT,
      sessionId: "s",
    });
  });

  it("takes anything for an event, and throws at nothing", () => {
    const known = recordedCalls("permission").flatMap(({ input }) => input?.event ?? []) as {
      type: string;
    }[];
    const types = fc.constantFrom(...new Set(known.map(({ type }) => type)));
    const odd = fc.oneof(fc.anything(), fc.record({ type: types, properties: fc.anything() }));
    fc.assert(
      fc.property(odd, fc.anything(), (first, second) => {
        factOfEvent(first, AT);
        factOfMessage(first, second, AT);
        factOfRequest(first, AT);
      }),
      { numRuns: 2_000 },
    );
  });

  it("reads nothing but texts, amounts and flags, whatever a field is", () => {
    const calls = recordedCalls("subagent").filter(({ hook }) => hook === "event");
    fc.assert(
      fc.property(fc.constantFrom(...calls), fc.anything(), fc.nat(), (call, value, pick) => {
        const copy = structuredClone(call.input?.event) as object;
        replaceLeaf(copy, pick, value);
        const fact = factOfEvent(copy, AT);
        for (const field of Object.values(fact ?? {}))
          expect(["string", "number", "boolean", "object", "undefined"]).toContain(typeof field);
      }),
      { numRuns: 1_000 },
    );
  });
});

function replaceLeaf(target: object, pick: number, value: unknown): void {
  const leaves: [Record<string, unknown>, string][] = [];
  const visit = (object: Record<string, unknown>) => {
    for (const [key, child] of Object.entries(object)) {
      if (typeof child === "object" && child !== null) visit(child as Record<string, unknown>);
      else leaves.push([object, key]);
    }
  };
  visit(target as Record<string, unknown>);
  const [object, key] = leaves[pick % leaves.length] as [Record<string, unknown>, string];
  object[key] = value;
}
