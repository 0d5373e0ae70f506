import type { OrchestratorEventDataMap, OrchestratorEventType } from "../event/event.ts";

/** The kinds of free text that can leave the process; `stream` is a response piece by piece. */
export type ContentField =
  | "message"
  | "progress"
  | "response"
  | "stream"
  | "error"
  | "reason"
  | "report"
  | "details";

/** Which content a field holds, or which its own fields hold; `*` stands for those that are not named. */
export type TextRule = ContentField | { readonly [field: string]: TextRule | "name" };

/**
 * The free texts of each event type, by the kind of content that they are. What is not named here is a
 * name, a number or a time, by which events are found and counted.
 */
export const EVENT_TEXTS: {
  readonly [T in OrchestratorEventType]?: { readonly [F in keyof OrchestratorEventDataMap[T]]?: TextRule };
} = {
  "orchestra.job.created": { message: "message" },
  "orchestra.job.progress": { message: "progress", unit: "progress", stage: "progress" },
  "orchestra.job.completed": { responsePreview: "response", report: "report" },
  "orchestra.job.failed": { error: "error", report: "report" },
  "orchestra.job.canceled": { reason: "reason", report: "report" },
  "orchestra.job.reported": { report: "report" },
  "orchestra.worker.status": { worker: { id: "name", "*": "details" }, reason: "reason" },
  "orchestra.worker.stream": { chunk: { chunk: "stream" } },
  "orchestra.workflow.started": { task: "message" },
  "orchestra.workflow.step": { stepTitle: "details", error: "error" },
  "orchestra.skill.load.failed": { error: "error" },
  "orchestra.skill.permission": { pattern: "details" },
  "orchestra.error": { message: "error", details: "details" },
};
