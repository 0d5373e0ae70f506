import { amount, bytes, number } from "../text/format.ts";

interface Fact {
  name: string;
  value: string;
  /** Something was lost, or is about to be. */
  isBad?: boolean;
}

export interface FactGroup {
  title: string;
  facts: readonly Fact[];
}

type Answer = Readonly<Record<string, unknown>>;

/** What `GET /v1/status` says, for people. Parts that a host does not count are left out. */
export function statusFacts(status: unknown): FactGroup[] {
  const { ledger, events, sse, log, jobTable, dataFile } = part(status);
  const groups = [
    ledgerGroup("Events", part(part(ledger).events ?? events)),
    ledgerGroup("Spans", part(part(ledger).spans)),
    feedGroup(part(sse)),
    logGroup(part(log), part(jobTable)),
    fileGroup(part(dataFile)),
  ];
  return groups.filter(({ facts }) => facts.length > 0);
}

function ledgerGroup(title: string, counts: Answer): FactGroup {
  const { made, delivered, appended, queued, pending, dropped, balance } = counts;
  const facts = [
    count("Made", made),
    count("Delivered", delivered ?? appended),
    count("Waiting", queued ?? pending),
    ...droppedFacts(dropped),
    typeof balance === "number" && balance !== 0
      ? { name: "Unaccounted for", value: number(balance), isBad: true }
      : undefined,
  ];
  return { title, facts: present(facts) };
}

function feedGroup({ clients, connected, delivered, dropped, resyncs, bytes: sent }: Answer): FactGroup {
  const facts = [
    count("Clients now", clients),
    count("Connections ever", connected),
    count("Events sent", delivered),
    typeof sent === "number" ? { name: "Bytes sent", value: bytes(sent) } : undefined,
    count("Clients told of a gap", resyncs, isPositive),
    ...droppedFacts(dropped, "Connections cut off"),
  ];
  return { title: "Feed", facts: present(facts) };
}

function logGroup(log: Answer, table: Answer): FactGroup {
  const facts = [
    typeof log.error === "string" ? { name: "Cannot be read", value: log.error, isBad: true } : undefined,
    text("Oldest event", log.oldest),
    text("Latest event", log.latest),
    count("Jobs held", table.jobs),
    count("Jobs let go", table.evicted),
  ];
  return { title: "Log", facts: present(facts) };
}

function fileGroup(file: Answer): FactGroup {
  const { events, degraded, detached, lostToDisk, waiting } = file;
  const facts = [
    text("File", file.file),
    count("Events in it", events),
    typeof file.bytes === "number" ? { name: "Size", value: bytes(file.bytes) } : undefined,
    degraded === true
      ? { name: "Degraded", value: "It cannot be written; events are kept in memory", isBad: true }
      : undefined,
    detached === true ? { name: "Detached", value: "It was moved or replaced", isBad: true } : undefined,
    isPositive(waiting) ? count("Events waiting for it", waiting) : undefined,
    isPositive(lostToDisk) ? count("Events lost to the disk", lostToDisk, isPositive) : undefined,
  ];
  return { title: "Data file", facts: present(facts) };
}

/** Each reason that has cost something; one line when none has. */
function droppedFacts(dropped: unknown, name = "Dropped"): Fact[] {
  const reasons = Object.entries(part(dropped)).filter(([, value]) => isPositive(value));
  if (dropped === undefined) return [];
  if (reasons.length === 0) return [{ name, value: "none" }];
  return reasons.map(([reason, value]) => ({
    name: `${name}: ${reason.replaceAll("_", " ")}`,
    value: number(value as number),
    isBad: true,
  }));
}

function count(name: string, value: unknown, isBad: (value: number) => boolean = () => false) {
  return typeof value === "number" ? { name, value: number(value), isBad: isBad(value) } : undefined;
}

function text(name: string, value: unknown): Fact | undefined {
  return typeof value === "string" ? { name, value } : undefined;
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && value > 0;
}

function present(facts: readonly (Fact | undefined)[]): Fact[] {
  return facts.filter((fact) => fact !== undefined);
}

function part(value: unknown): Answer {
  return typeof value === "object" && value !== null ? (value as Answer) : {};
}

/** What was lost, in a sentence; undefined when nothing was. */
export function lossText(groups: readonly FactGroup[]): string | undefined {
  const bad = groups.flatMap(({ facts }) => facts.filter(({ isBad }) => isBad === true));
  return bad.length === 0 ? undefined : amount(bad.length, "thing needs attention", "things need attention");
}
