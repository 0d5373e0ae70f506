import type {
  OpenCodeError,
  OpenCodeFact,
  PermissionFact,
  PermissionReplyFact,
  PromptFact,
  RequestFact,
  SessionFact,
  StatusFact,
  StepFact,
  TaskFact,
  TextFact,
  ToolFact,
} from "./opencode-facts.ts";
import { amount, type Fields, fields, list, name, text } from "./opencode-fields.ts";

type Reader = (properties: Fields, at: number) => OpenCodeFact | undefined;

const READERS: Readonly<Record<string, Reader>> = {
  "session.created": (properties, at) => sessionFact("created", properties, at),
  "session.deleted": (properties, at) => sessionFact("deleted", properties, at),
  "session.status": statusFact,
  "session.idle": ({ sessionID }, at) => {
    const sessionId = name(sessionID);
    return sessionId && { kind: "idle", at, sessionId };
  },
  "session.error": ({ sessionID, error }, at) => {
    const sessionId = name(sessionID);
    const told = errorOf(error);
    return sessionId && told && { kind: "error", at, sessionId, error: told };
  },
  "message.updated": stepFact,
  "message.part.updated": partFact,
  "permission.asked": permissionFact,
  "permission.updated": permissionFact,
  "permission.replied": replyFact,
} as Record<string, Reader>;

/** What an event of OpenCode's bus tells; undefined for what is of no concern here, and for what is odd. */
export function factOfEvent(event: unknown, at: number): OpenCodeFact | undefined {
  const { type, properties } = fields(event);
  const kind = text(type) ?? "";
  return Object.hasOwn(READERS, kind) ? READERS[kind]?.(fields(properties), at) || undefined : undefined;
}

/** What the `chat.message` hook tells. */
export function factOfMessage(input: unknown, output: unknown, at: number): PromptFact | undefined {
  const { message, parts } = fields(output);
  const { id, sessionID, agent, time } = fields(message);
  const messageId = name(id);
  const sessionId = name(sessionID) ?? name(fields(input).sessionID);
  if (messageId === undefined || sessionId === undefined) return undefined;
  const texts = list(parts).filter(({ type }) => type === "text");
  return {
    kind: "prompt",
    at,
    sessionId,
    messageId,
    agent: name(agent) ?? name(fields(input).agent) ?? UNKNOWN_AGENT,
    createdAt: amount(fields(time).created) ?? at,
    text: texts.map((part) => text(part.text) ?? "").join("\n"),
    isSynthetic: texts.length > 0 && texts.every(({ synthetic }) => synthetic === true),
    traceparent: texts.map(({ metadata }) => name(fields(metadata).traceparent)).find(Boolean),
  };
}

/** What the `chat.headers` hook tells; undefined for the request that only finds a title. */
export function factOfRequest(input: unknown, at: number): RequestFact | undefined {
  const { sessionID, agent } = fields(input);
  const sessionId = name(sessionID);
  return sessionId === undefined || agent === "title" ? undefined : { kind: "request", at, sessionId };
}

const UNKNOWN_AGENT = "unknown";

function sessionFact(
  kind: SessionFact["kind"],
  { info, sessionID }: Fields,
  at: number,
): SessionFact | undefined {
  const { id, parentID } = fields(info);
  const sessionId = name(id) ?? name(sessionID);
  return sessionId === undefined ? undefined : { kind, at, sessionId, parentId: name(parentID) };
}

function statusFact({ sessionID, status }: Fields, at: number): StatusFact | undefined {
  const sessionId = name(sessionID);
  const { type, attempt, message } = fields(status);
  if (sessionId === undefined) return undefined;
  if (type === "busy" || type === "idle") return { kind: type, at, sessionId };
  if (type !== "retry") return undefined;
  return { kind: type, at, sessionId, attempt: amount(attempt) ?? 1, message: text(message) ?? "" };
}

/** User messages come by their hook, which alone tells prompts from what OpenCode writes in between. */
function stepFact({ info }: Fields, at: number): StepFact | undefined {
  const message = fields(info);
  const messageId = name(message.id);
  const sessionId = name(message.sessionID);
  if (message.role !== "assistant" || messageId === undefined || sessionId === undefined) return undefined;
  const { created, completed } = fields(message.time);
  const { input, output } = fields(message.tokens);
  return {
    kind: "step",
    at,
    sessionId,
    messageId,
    promptId: name(message.parentID) ?? "",
    agent: name(message.agent) ?? name(message.mode) ?? UNKNOWN_AGENT,
    model: name(message.modelID) ?? "unknown",
    provider: name(message.providerID) ?? "unknown",
    createdAt: amount(created) ?? at,
    completedAt: amount(completed),
    finish: name(message.finish),
    error: errorOf(message.error),
    inputTokens: amount(input),
    outputTokens: amount(output),
    cost: amount(message.cost),
  };
}

function partFact({ part: raw }: Fields, at: number): ToolFact | TextFact | undefined {
  const part = fields(raw);
  const sessionId = name(part.sessionID);
  const messageId = name(part.messageID);
  if (sessionId === undefined || messageId === undefined) return undefined;
  const told = { at, sessionId, messageId };
  if (part.type === "text") return { kind: "text", ...told, text: text(part.text) };
  if (part.type === "reasoning") return { kind: "text", ...told, text: undefined };
  return part.type === "tool" ? toolFact(part, told) : undefined;
}

const TOOL_STATES: ReadonlySet<unknown> = new Set(["pending", "running", "completed", "error"]);

function toolFact(
  part: Fields,
  told: Pick<ToolFact, "at" | "sessionId" | "messageId">,
): ToolFact | undefined {
  const state = fields(part.state);
  const partId = name(part.id);
  const tool = name(part.tool);
  if (partId === undefined || tool === undefined || !TOOL_STATES.has(state.status)) return undefined;
  const { start, end } = fields(state.time);
  return {
    kind: "tool",
    ...told,
    partId,
    callId: name(part.callID) ?? partId,
    tool,
    status: state.status as ToolFact["status"],
    startedAt: amount(start),
    endedAt: amount(end),
    error: text(state.error),
    task: tool === "task" ? taskFact(fields(state.input), fields(state.metadata)) : undefined,
  };
}

/** Undefined until the call's arguments are complete. */
function taskFact(input: Fields, { sessionId, background }: Fields): TaskFact | undefined {
  const agent = name(input.subagent_type);
  if (agent === undefined) return undefined;
  return {
    agent,
    description: text(input.description) ?? "",
    childId: name(sessionId),
    isBackground: background === true,
  };
}

function permissionFact(asked: Fields, at: number): PermissionFact | undefined {
  const requestId = name(asked.id);
  const sessionId = name(asked.sessionID);
  if (requestId === undefined || sessionId === undefined) return undefined;
  const callId = name(fields(asked.tool).callID) ?? name(asked.callID);
  const permission = name(asked.permission) ?? name(asked.type) ?? "unknown";
  return { kind: "permission", at, sessionId, requestId, callId, permission };
}

function replyFact(replied: Fields, at: number): PermissionReplyFact | undefined {
  const requestId = name(replied.requestID) ?? name(replied.permissionID);
  const sessionId = name(replied.sessionID);
  const reply = name(replied.reply) ?? name(replied.response);
  if (requestId === undefined || sessionId === undefined || reply === undefined) return undefined;
  return { kind: "permission-reply", at, sessionId, requestId, reply };
}

function errorOf(error: unknown): OpenCodeError | undefined {
  const { name: className, data, message } = fields(error);
  const type = name(className);
  if (type === undefined) return undefined;
  return { name: type, message: name(fields(data).message) ?? name(message) ?? type };
}
