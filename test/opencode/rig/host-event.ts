import type { HostEvent } from "./opencode-server.ts";

type Test = (event: HostEvent) => boolean;

interface ToolPart {
  type: string;
  state?: { metadata?: { output?: string } };
}

/** The session waits before it calls the model again. */
export function isRetrying(sessionId: string): Test {
  return ({ type, properties }) =>
    type === "session.status" &&
    properties.sessionID === sessionId &&
    (properties.status as { type: string }).type === "retry";
}

/** A command that is still running has written this. */
export function toolHasPrinted(text: string): Test {
  return ({ type, properties }) =>
    type === "message.part.updated" &&
    ((properties.part as ToolPart).state?.metadata?.output?.includes(text) ?? false);
}
