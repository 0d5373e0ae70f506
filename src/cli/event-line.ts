import { eventText } from "../../exporters/log-text.ts";
import type { OrchestratorEvent } from "../event/event.ts";
import { subjectOf } from "../event/event-filter.ts";
import { type Paint, plainText } from "./terminal.ts";

const SHORT_ID_LENGTH = 8;

/** How each kind of event is marked; a type that is not here is marked with a dot. */
const MARKS: Partial<Record<OrchestratorEvent["type"], [glyph: string, style: Parameters<Paint>[0]]>> = {
  "orchestra.job.created": ["●", "cyan"],
  "orchestra.job.started": ["●", "cyan"],
  "orchestra.job.completed": ["✓", "green"],
  "orchestra.job.failed": ["✗", "red"],
  "orchestra.job.canceled": ["⊘", "yellow"],
  "orchestra.skill.load.failed": ["✗", "red"],
  "orchestra.error": ["✗", "red"],
};

/** `14:03:07 ✗ build 1a2b3c4d failed after 1.2 s: exit code 3`, safe to print. */
export function eventLine(event: OrchestratorEvent, paint: Paint): string {
  const { workerId, sessionId } = subjectOf(event);
  const worker = textOf(workerId);
  const session = textOf(sessionId).slice(0, SHORT_ID_LENGTH);
  const [glyph, style] = MARKS[event.type] ?? ["·", "dim"];
  const parts = [
    paint("dim", timeOfDay(event.timestamp)),
    paint(style, glyph),
    worker && paint("bold", worker),
    session && paint("dim", session),
    plainText(eventText(event)),
  ];
  return parts.filter(Boolean).join(" ");
}

/** Where an event's type knows no such field, it may hold anything. */
function textOf(value: unknown): string {
  return typeof value === "string" ? plainText(value) : "";
}

/** Local time, `14:03:07`. */
function timeOfDay(timestamp: number): string {
  return new Date(timestamp).toTimeString().slice(0, 8);
}
