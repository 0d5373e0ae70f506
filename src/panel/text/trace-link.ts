export interface TraceFacts {
  traceparent?: string | undefined;
  jobId: string;
}

const PLACEHOLDER = /\{(traceId|spanId|jobId)\}/g;
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}$/;

/** Why a template cannot be used; undefined when it can, or is empty. */
export function templateFault(template: string): string | undefined {
  if (template === "") return undefined;
  if (!template.includes("{traceId}")) return "It must have {traceId} in it.";
  return fill(template, { traceId: "0", spanId: "0", jobId: "0" }) === undefined
    ? "It must be an http or https address."
    : undefined;
}

/** What `GET /v1/status` says of where traces are shown; empty when it says nothing that can be used. */
export function templateOf(status: unknown): string {
  const { traceUrl } = Object(status) as { traceUrl?: unknown };
  return typeof traceUrl === "string" && templateFault(traceUrl) === undefined ? traceUrl : "";
}

/** Where a job's trace is shown; undefined without a usable template, or for a job without a trace. */
export function traceLink(template: string, { traceparent = "", jobId }: TraceFacts): string | undefined {
  const ids = TRACEPARENT.exec(traceparent);
  if (ids === null || templateFault(template) !== undefined) return undefined;
  return fill(template, { traceId: ids[1] as string, spanId: ids[2] as string, jobId });
}

/** Values are escaped, so they can neither leave their place in the address nor change where it leads. */
function fill(template: string, values: Record<string, string>): string | undefined {
  const address = template.replace(PLACEHOLDER, (_, name: string) => encoded(values[name] as string));
  const url = URL.parse(address);
  return url?.protocol === "https:" || url?.protocol === "http:" ? url.href : undefined;
}

/** As `encodeURIComponent`, which throws on halves of a character. */
export function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** The trace's id, for people to copy. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return TRACEPARENT.exec(traceparent ?? "")?.[1];
}
