import { amount, bytes, number } from "../text/format.ts";
import { type Answer, count, type Fact, fault, isPositive, part, present, text } from "./fact.ts";
import { lossReason } from "./loss-reasons.ts";
import { spanFacts } from "./span-facts.ts";

export interface FactGroup {
  title: string;
  facts: readonly Fact[];
}

/**
 * What `GET /v1/status` says, for people. Parts that a host does not count are left out. `now` is the bridge's
 * time, in milliseconds since the epoch.
 */
export function statusFacts(status: unknown, now = Date.now()): FactGroup[] {
  const { ledger, events, spans, jobSpans, sse, log, logs, jobTable, dataFile } = part(status);
  const { events: eventLedger, spans: spanLedger } = part(ledger);
  const groups = [
    { title: "Events", facts: eventFacts(part(eventLedger ?? events), part(logs)) },
    { title: "Spans", facts: allSpanFacts(part(spanLedger), part(spans), part(jobSpans), now) },
    { title: "Feed", facts: feedFacts(part(sse)) },
    { title: "Log", facts: logFacts(part(log), part(jobTable)) },
    { title: "Data file", facts: fileFacts(part(dataFile)) },
  ];
  return groups.filter(({ facts }) => facts.length > 0);
}

function eventFacts(counts: Answer, lines: Answer): Fact[] {
  const failures = Object.entries({ ...part(counts.sinks), handlers: counts.handlers });
  return present([
    ...ledgerFacts(counts),
    ...failures.map(([name, shown]) => fault(`Not taken by ${name}`, part(shown).failed)),
    count("Log lines written", lines.written),
    fault("Log lines lost", lines.dropped, "They did not reach the log file"),
  ]);
}

function allSpanFacts(ledger: Answer, outbox: Answer, jobs: Answer, now: number): Fact[] {
  const { waiting, others } = spanFacts({ ledger, outbox, jobs }, now);
  return [...ledgerFacts(ledger, waiting), ...others];
}

/** `waiting` is said behind what waits. */
function ledgerFacts(counts: Answer, waiting: readonly Fact[] = []): Fact[] {
  const { made, delivered, appended, queued, pending, dropped, balance } = counts;
  return present([
    count("Made", made),
    count("Delivered", delivered ?? appended),
    count("Waiting", queued ?? pending),
    ...waiting,
    ...droppedFacts(dropped),
    typeof balance === "number" && balance !== 0
      ? { name: "Unaccounted for", value: number(balance), isBad: true }
      : undefined,
  ]);
}

function feedFacts({ clients, connected, delivered, dropped, resyncs, bytes: sent }: Answer): Fact[] {
  return present([
    count("Clients now", clients),
    count("Connections ever", connected),
    count("Events sent", delivered),
    typeof sent === "number" ? { name: "Bytes sent", value: bytes(sent) } : undefined,
    count("Clients told of a gap", resyncs, isPositive),
    ...droppedFacts(dropped, "Connections cut off"),
  ]);
}

function logFacts(log: Answer, table: Answer): Fact[] {
  return present([
    typeof log.error === "string" ? { name: "Cannot be read", value: log.error, isBad: true } : undefined,
    text("Oldest event", log.oldest),
    text("Latest event", log.latest),
    count("Jobs held", table.jobs),
    count("Jobs let go", table.evicted),
  ]);
}

function fileFacts(file: Answer): Fact[] {
  const { events, degraded, detached, lostToDisk, waiting, lastError, unreadable } = file;
  const failures = part(file.failures);
  return present([
    text("File", file.file),
    count("Events in it", events),
    typeof file.bytes === "number" ? { name: "Size", value: bytes(file.bytes) } : undefined,
    degraded === true
      ? { name: "Degraded", value: "It cannot be written; events are kept in memory", isBad: true }
      : undefined,
    typeof lastError === "string"
      ? {
          name: degraded === true ? "Why" : "Last trouble",
          value: lastError,
          isBad: degraded === true,
          isLong: true,
        }
      : undefined,
    detached === true ? { name: "Detached", value: "It was moved or replaced", isBad: true } : undefined,
    isPositive(waiting) ? count("Events waiting for it", waiting) : undefined,
    isPositive(lostToDisk) ? count("Events lost to the disk", lostToDisk, isPositive) : undefined,
    fault("Failed writes", failures.write),
    fault("Failed reads", failures.read),
    fault("Rows that cannot be read", unreadable),
  ]);
}

/** Each reason that has cost something; one line when none has. */
function droppedFacts(dropped: unknown, name = "Dropped"): Fact[] {
  if (dropped === undefined) return [];
  const reasons = Object.entries(part(dropped)).map(([reason, value]) =>
    fault(`${name}: ${reason.replaceAll("_", " ")}`, value, lossReason(reason)),
  );
  const lost = present(reasons);
  return lost.length === 0 ? [{ name, value: "none" }] : lost;
}

/** What was lost, in a sentence; undefined when nothing was. */
export function lossText(groups: readonly FactGroup[]): string | undefined {
  const bad = groups.flatMap(({ facts }) => facts.filter(({ isBad }) => isBad === true));
  return bad.length === 0 ? undefined : amount(bad.length, "thing needs attention", "things need attention");
}
