import type { TelemetryStats } from "./telemetry-stats.ts";

/** What became of things that were made: made = delivered + queued + the sum of dropped. */
export interface LedgerAccount {
  made: number;
  delivered: number;
  /** Waiting to be delivered; lost if nothing but a process that dies holds them. */
  queued: number;
  /** Lost, by reason. */
  dropped: Readonly<Record<string, number>>;
  /** What is left of `made` when all else is taken from it: 0, or we have lost count. */
  balance: number;
}

interface EventLedger extends LedgerAccount, Pick<TelemetryStats["events"], "handlers" | "sinks"> {
  /** Of the delivered: the log held their id already. */
  duplicates: number;
}

interface SpanLedger extends LedgerAccount {
  /** What earlier processes had left; in none of the other numbers. */
  inherited: LedgerAccount;
}

export interface LossLedger {
  /** Delivered is what is in the log: in its file when it has one. */
  events: EventLedger;
  /** Delivered is what the receiver acknowledged. Undefined without spans, or when the host exports them. */
  spans: SpanLedger | undefined;
}

export function lossLedger(stats: TelemetryStats): LossLedger {
  return { events: eventLedger(stats), spans: stats.spans && spanLedger(stats.spans) };
}

function eventLedger({ events, log, droppedBeforeStart }: TelemetryStats): EventLedger {
  const { made, appended, duplicates, pending, dropped, handlers, sinks } = events;
  // A log whose file fails answers from memory. What it has just answered may not be counted as appended
  // yet, and is pending then.
  const lostToDisk = Math.min(log?.lostToDisk ?? 0, appended);
  const unsaved = Math.min(log?.waiting ?? 0, appended - lostToDisk);
  return {
    ...account({
      made: made + droppedBeforeStart,
      delivered: appended - lostToDisk - unsaved + duplicates,
      queued: pending + unsaved,
      dropped: { ...dropped, lost_to_disk: lostToDisk, before_start: droppedBeforeStart },
    }),
    duplicates,
    handlers,
    sinks,
  };
}

function spanLedger(spans: NonNullable<TelemetryStats["spans"]>): SpanLedger {
  const { ended, exported, pending, dropped, inherited } = spans;
  return {
    ...account({ made: ended, delivered: exported, queued: pending, dropped }),
    inherited: account({
      made: inherited.found,
      delivered: inherited.exported,
      queued: inherited.pending,
      dropped: inherited.dropped,
    }),
  };
}

function account(counts: Omit<LedgerAccount, "dropped" | "balance"> & { dropped: object }): LedgerAccount {
  const dropped: Readonly<Record<string, number>> = { ...counts.dropped };
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return { ...counts, dropped, balance: counts.made - counts.delivered - counts.queued - lost };
}
