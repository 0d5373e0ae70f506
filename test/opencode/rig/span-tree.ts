import { GENERAL, ORCHESTRA, SCOPE_NAME, SPAN_JOB_STARTED } from "../../../src/semconv.ts";
import type { ReceivedSpan } from "../../fixtures/otlp-trace-decoder.ts";

/**
 * Our spans as lines of text, each below its parent: first the steps of a job, then the jobs that it asked
 * for, both by their time:
 *
 *     invoke_agent build
 *       chat fake-1
 *       execute_tool task !tool_error
 *       invoke_agent general [failure] !APIError
 *
 * An error type follows `!`, a result other than success stands in brackets; `job.started` is left out.
 */
export function drawSpans(spans: readonly ReceivedSpan[]): string[] {
  const shown = spans.filter(({ name, scope }) => scope === SCOPE_NAME && name !== SPAN_JOB_STARTED);
  const ids = new Set(shown.map(({ spanId }) => spanId));
  const children = Map.groupBy(shown, ({ parentSpanId }) =>
    parentSpanId !== undefined && ids.has(parentSpanId) ? parentSpanId : undefined,
  );
  const draw = (parent: string | undefined, depth: number): string[] =>
    (children.get(parent) ?? [])
      .toSorted(byPlace)
      .flatMap((span) => ["  ".repeat(depth) + lineOf(span), ...draw(span.spanId, depth + 1)]);
  return draw(undefined, 0);
}

/** Not by time alone: what runs in parallel has no order. */
function byPlace(a: ReceivedSpan, b: ReceivedSpan): number {
  return (
    Number(isJob(a)) - Number(isJob(b)) || Number(a.startTime - b.startTime) || a.name.localeCompare(b.name)
  );
}

function isJob({ attributes }: ReceivedSpan): boolean {
  return attributes[ORCHESTRA.WORKER_ID] !== undefined;
}

function lineOf({ name, attributes }: ReceivedSpan): string {
  const error = attributes[GENERAL.ERROR_TYPE];
  const isCanceled = attributes[ORCHESTRA.OPERATION_CANCELED] === true;
  const result = isCanceled ? "canceled" : (attributes[ORCHESTRA.JOB_RESULT] ?? "success");
  return `${name}${result === "success" ? "" : ` [${result}]`}${error === undefined ? "" : ` !${error}`}`;
}
