/**
 * What OpenCode tells of, reduced to what jobs and spans are made of. All times are milliseconds since the
 * epoch; `at` is when it was told, other times are OpenCode's own.
 */
export type OpenCodeFact =
  | PromptFact
  | StatusFact
  | ErrorFact
  | SessionFact
  | RequestFact
  | StepFact
  | TextFact
  | ToolFact
  | PermissionFact
  | PermissionReplyFact;

interface Told {
  at: number;
  sessionId: string;
}

/** A message for the model; whether the session takes it up is told by what follows. */
export interface PromptFact extends Told {
  kind: "prompt";
  messageId: string;
  agent: string;
  createdAt: number;
  text: string;
  /** OpenCode wrote it itself, such as when a background subagent has ended. */
  isSynthetic: boolean;
  /** W3C trace context from the prompt's metadata. */
  traceparent: string | undefined;
}

export interface StatusFact extends Told {
  kind: "busy" | "idle" | "retry";
  /** Of a retry: 1 for the first one. */
  attempt?: number;
  /** Of a retry: what made it necessary. */
  message?: string;
}

export interface OpenCodeError {
  /** A class, such as `APIError`. */
  name: string;
  message: string;
}

export interface ErrorFact extends Told {
  kind: "error";
  error: OpenCodeError;
}

export interface SessionFact extends Told {
  kind: "created" | "deleted";
  /** The session whose `task` call made this one. */
  parentId: string | undefined;
}

/** A request to the model is about to be made. */
export interface RequestFact extends Told {
  kind: "request";
}

/** One call of the model and the tools that it asks for: an assistant message, as it is now. */
export interface StepFact extends Told {
  kind: "step";
  messageId: string;
  /** The user message that it answers. */
  promptId: string;
  agent: string;
  model: string;
  provider: string;
  createdAt: number;
  completedAt: number | undefined;
  /** Why the model stopped; undefined when it did not get there. */
  finish: string | undefined;
  error: OpenCodeError | undefined;
  inputTokens: number | undefined;
  outputTokens: number | undefined;
  cost: number | undefined;
}

/** Text, or reasoning, as it is now. */
export interface TextFact extends Told {
  kind: "text";
  messageId: string;
  /** Undefined for reasoning. */
  text: string | undefined;
}

export interface ToolFact extends Told {
  kind: "tool";
  messageId: string;
  /** Unique, which the call's id is not with every model. */
  partId: string;
  callId: string;
  tool: string;
  status: "pending" | "running" | "completed" | "error";
  startedAt: number | undefined;
  endedAt: number | undefined;
  error: string | undefined;
  /** Set for a call that hands work to a subagent. */
  task: TaskFact | undefined;
}

export interface TaskFact {
  agent: string;
  description: string;
  /** The subagent's session, once it is known. */
  childId: string | undefined;
  /** The subagent outlives the call. */
  isBackground: boolean;
}

export interface PermissionFact extends Told {
  kind: "permission";
  requestId: string;
  callId: string | undefined;
  /** What is to be allowed, such as `bash`. */
  permission: string;
}

export interface PermissionReplyFact extends Told {
  kind: "permission-reply";
  requestId: string;
  /** `once`, `always` or `reject`. */
  reply: string;
}
