import { invalidArgument } from "../errors.ts";
import { isEventType, type OrchestratorEvent } from "../event/event.ts";
import { MAX_NAME_LENGTH, MAX_TEXT_LENGTH } from "../event/event-fields.ts";
import { encodeJson } from "../event/event-json.ts";
import type { JobReport } from "../job/job.ts";
import { type ContentField, EVENT_TEXTS, type TextRule } from "./event-texts.ts";

/** Prompts and responses: only their beginning leaves. */
const PRIVATE: ReadonlySet<ContentField> = new Set(["message", "response", "stream"]);

export interface ContentOptions {
  /** Let tasks, responses and streamed chunks leave in full (up to 65,536 characters). Default: false. */
  captureContent?: boolean | undefined;
  /** Characters of a task, response or streamed chunk that leave as a preview, up to 65,536; 0 lets none out. Default: 200. */
  previewLength?: number | undefined;
  /**
   * Sees every free text before it leaves, and returns what may. Names are none: ids, `workerId`, and an
   * `errorType`, which is an error's class. Default: unchanged.
   */
  redact?: ((text: string, field: ContentField) => string) | undefined;
}

/** Issues of a report that leave the process. */
const MAX_ISSUES = 100;
/** Of what details may hold; what lies deeper is not let out unseen. */
const MAX_DEPTH = 64;
const REDACTION_FAILED = "[redaction failed]";

/** Decides what of a job's texts may leave the process: in an event, a span or a log line. */
export class Content {
  readonly #previewLength: number;
  readonly #redact: ContentOptions["redact"];

  constructor(options: ContentOptions = {}) {
    const previewLength = options.captureContent ? MAX_TEXT_LENGTH : (options.previewLength ?? 200);
    if (!(previewLength >= 0)) throw invalidArgument("previewLength", "a number from 0", previewLength);
    this.#previewLength = Math.min(previewLength, MAX_TEXT_LENGTH);
    this.#redact = options.redact;
  }

  /** What may leave of a text: of prompts and responses their beginning, of what is said to be read by others all. */
  text(text: string, field: ContentField): string {
    return cap(this.full(text, field), PRIVATE.has(field) ? this.#previewLength : MAX_TEXT_LENGTH);
  }

  /** A short text with the room of a name, such as a unit; undefined when nothing is left of it. */
  label(text: string | undefined, field: ContentField): string | undefined {
    return (text && capName(this.full(text, field))) || undefined;
  }

  /** For who is entitled to the whole text: redacted, but not cut. */
  full(text: string, field: ContentField): string {
    if (this.#redact === undefined) return text;
    try {
      const redacted = this.#redact(text, field);
      return typeof redacted === "string" ? redacted : REDACTION_FAILED;
    } catch {
      // Letting the text out because its guard broke would be the one wrong answer.
      return REDACTION_FAILED;
    }
  }

  /** An event that somebody else made, with what may leave of its texts; the event itself when that is all. */
  event<E extends OrchestratorEvent>(event: E): E {
    if (!isEventType(event?.type)) return event;
    const rule: TextRule | undefined = EVENT_TEXTS[event.type];
    if (rule === undefined) return event;
    try {
      // As plain data, so that neither a getter nor a cycle comes between a text and its redaction.
      const data = this.#redact === undefined ? event.data : JSON.parse(encodeJson(event.data));
      const told = this.#told(rule, data, 0);
      return told === event.data ? event : { ...event, data: told };
    } catch {
      // Its own fields throw when they are read, and will when it is encoded: it is counted there.
      return event;
    }
  }

  /** Undefined for anything that is not a report. */
  report(report: unknown): JobReport | undefined {
    if (typeof report !== "object" || report === null) return undefined;
    const { summary, details, issues, notes } = report as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === "string" ? this.text(value, "report") : undefined);
    return {
      summary: text(summary),
      details: text(details),
      issues: Array.isArray(issues)
        ? issues.slice(0, MAX_ISSUES).flatMap((issue: unknown) => text(issue) ?? [])
        : undefined,
      notes: text(notes),
    };
  }

  #told(rule: TextRule, value: unknown, depth: number): unknown {
    const field = typeof rule === "string" ? rule : "details";
    if (typeof value === "string") return this.text(value, field);
    if (typeof value !== "object" || value === null) return value;
    if (typeof rule !== "string") return this.#toldFields(rule, value as Record<string, unknown>, depth);
    // Nobody promised a length of the texts deep inside.
    if (this.#redact === undefined) return value;
    return depth < MAX_DEPTH ? this.#toldParts(field, value, depth + 1) : REDACTION_FAILED;
  }

  #toldFields(rules: Exclude<TextRule, string>, value: Record<string, unknown>, depth: number): unknown {
    let told = value;
    for (const field of Object.keys(value)) {
      const rule = Object.hasOwn(rules, field) ? rules[field] : rules["*"];
      if (rule === undefined || rule === "name") continue;
      const text = this.#told(rule, value[field], depth);
      if (text !== value[field]) told = { ...told, [field]: text };
    }
    return told;
  }

  #toldParts(field: ContentField, value: object, depth: number): unknown {
    const told = (part: unknown) => this.#told(field, part, depth);
    if (Array.isArray(value)) return value.map(told);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, told(part)]));
  }
}

/** Ids and names are cut to what the wire takes. */
export function capName(name: string): string {
  return cap(name, MAX_NAME_LENGTH);
}

/** Cuts without leaving half of a surrogate pair behind. */
function cap(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? length - 1 : length);
}
