import type { Paint } from "./terminal.ts";
import { plainText } from "./terminal.ts";

/** What the doctor looks at, in the order in which it tells of them. */
const DOCTOR_PARTS = ["configuration", "data file", "jobs", "spans", "bridge", "receiver"] as const;

/** One thing that the doctor found. */
export interface Finding {
  readonly part: (typeof DOCTOR_PARTS)[number];
  /** A `note` is neither well nor broken, but good to know. */
  readonly status: "ok" | "broken" | "note";
  /** A sentence for people. */
  readonly text: string;
  /** The same for programs, where there is more to it than the sentence. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

const MARKS = { ok: ["✓", "green"], broken: ["✗", "red"], note: ["·", "dim"] } as const;

/** What was found, part by part, safe to print. */
export function renderFindings(findings: readonly Finding[], paint: Paint): string {
  const parts = DOCTOR_PARTS.map((part) => {
    const lines = findings.filter((finding) => finding.part === part).map((finding) => line(finding, paint));
    return lines.length === 0 ? "" : `${paint("bold", heading(part))}\n${lines.join("")}\n`;
  });
  return `${parts.join("")}${verdict(findings)}\n`;
}

function line({ status, text }: Finding, paint: Paint): string {
  const [mark, style] = MARKS[status];
  return `  ${paint(style, mark)} ${plainText(text)}\n`;
}

function verdict(findings: readonly Finding[]): string {
  const broken = findings.filter(({ status }) => status === "broken").length;
  if (broken === 0) return "All is well.";
  return broken === 1 ? "One thing is broken." : `${broken} things are broken.`;
}

function heading(part: string): string {
  return part.charAt(0).toUpperCase() + part.slice(1);
}
