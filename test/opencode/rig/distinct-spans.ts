import type { ReceivedSpan } from "../../fixtures/otlp-trace-decoder.ts";

/** Without what came again word for word, as may happen to what was under way when a process ended. */
export function distinctSpans(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return [...new Map(spans.map((span) => [contentOf(span), span])).values()];
}

function contentOf(span: ReceivedSpan): string {
  return JSON.stringify(span, (_key, value) => (typeof value === "bigint" ? String(value) : value));
}
