import { invalidArgument } from "../errors.ts";
import { MAX_NAME_LENGTH, MAX_TEXT_LENGTH } from "../event/event-fields.ts";
import type { JobReport } from "../job/job.ts";

/** The kinds of free text that can leave the process. */
export type ContentField = "message" | "progress" | "response" | "error" | "reason" | "report";

export interface ContentOptions {
  /** Let tasks and responses leave in full (up to 65,536 characters). Default: false. */
  captureContent?: boolean | undefined;
  /** Characters of a task or response that leave as a preview, up to 65,536; 0 lets none out. Default: 200. */
  previewLength?: number | undefined;
  /** Sees every free text before it leaves, and returns what may. Default: unchanged. */
  redact?: ((text: string, field: ContentField) => string) | undefined;
}

/** Issues of a report that leave the process. */
const MAX_ISSUES = 100;
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

  /** Prompts and responses: private but for their beginning. */
  preview(text: string, field: ContentField): string {
    return cap(this.#redacted(text, field), this.#previewLength);
  }

  /** What is said to be read by others: progress, errors, reasons. */
  text(text: string, field: ContentField): string {
    return cap(this.#redacted(text, field), MAX_TEXT_LENGTH);
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

  #redacted(text: string, field: ContentField): string {
    if (this.#redact === undefined) return text;
    try {
      const redacted = this.#redact(text, field);
      return typeof redacted === "string" ? redacted : REDACTION_FAILED;
    } catch {
      // Letting the text out because its guard broke would be the one wrong answer.
      return REDACTION_FAILED;
    }
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
