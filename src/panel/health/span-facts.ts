import { bytes, elapsed, number } from "../text/format.ts";
import { type Answer, count, type Fact, fault, isPositive, part, present } from "./fact.ts";
import { lossReason } from "./loss-reasons.ts";

/** Of `GET /v1/status`, what is about spans. */
export interface SpanParts {
  /** What became of them. */
  ledger: Answer;
  /** How they leave. */
  outbox: Answer;
  /** Those of jobs. */
  jobs: Answer;
}

/** What is known of spans beside their ledger: why they wait, and what earlier processes had left. */
export function spanFacts({ ledger, outbox, jobs }: SpanParts, now: number) {
  return {
    waiting: waitingFacts(outbox, now),
    others: present([
      deadLetters(part(outbox.deadLetters)),
      ...inheritedFacts(part(ledger.inherited)),
      count("Not ended yet", jobs.open),
      fault("Jobs without a span", jobs.refused, "Too many were open at one time"),
      fault("Calls of the tracer that failed", jobs.failed),
    ]),
  };
}

function waitingFacts(outbox: Answer, now: number): Fact[] {
  const { lastError, oldestAgeMs, attempts } = outbox;
  return present([
    typeof lastError === "string" ? troubleFact(lastError, outbox.nextAttemptAt, now) : undefined,
    isPositive(oldestAgeMs) ? { name: "The oldest waits for", value: elapsed(oldestAgeMs) } : undefined,
    isPositive(outbox.bytes) ? { name: "Kept until then", value: bytes(outbox.bytes) } : undefined,
    count("Requests made", attempts),
  ]);
}

/** An error that was followed by success is history. */
function troubleFact(value: string, nextAttemptAt: unknown, now: number): Fact {
  if (typeof nextAttemptAt !== "number") return { name: "Last trouble", value, isLong: true };
  const seconds = Math.ceil((nextAttemptAt - now) / 1_000);
  const next = seconds > 0 ? `in ${elapsed(seconds * 1_000)}` : "now";
  const note = `They stay until the receiver takes them. Next try ${next}.`;
  return { name: "Why they wait", value, note, isBad: true, isLong: true };
}

function deadLetters({ spans, bytes: length }: Answer): Fact | undefined {
  const note = isPositive(length) ? `${bytes(length)}, kept to be looked at` : undefined;
  return fault("Dead letters", spans, note);
}

function inheritedFacts({ made, delivered, queued, dropped }: Answer): Fact[] {
  if (!isPositive(made)) return [];
  const note = `${number(Number(delivered))} delivered, ${number(Number(queued))} waiting`;
  const lost = Object.entries(part(dropped)).map(([reason, value]) =>
    fault(`Left, and dropped: ${reason.replaceAll("_", " ")}`, value, lossReason(reason)),
  );
  return present([{ name: "Left by earlier processes", value: number(made), note }, ...lost]);
}
