import type { LogSinkStats } from "../exporters/logs.ts";
import type { SpanOutboxStats } from "../exporters/span-outbox-ledger.ts";
import type { SseStats } from "../exporters/sse.ts";
import type { OtelJobTracerStats } from "../exporters/traces.ts";
import type { PublisherStats } from "./event/publisher.ts";
import type { SqliteEventLogStats } from "./event-log/sqlite.ts";
import type { JobFollowerStats } from "./lifecycle/job-follower.ts";
import type { OrphanStats } from "./orphans.ts";

/** Every count of made, delivered, waiting and dropped things: nothing is lost in silence. */
export interface TelemetryStats {
  events: PublisherStats;
  /** One entry for each observed registry. */
  jobs: JobFollowerStats[];
  /** Undefined when spans are switched off. */
  jobSpans: OtelJobTracerStats | undefined;
  /** Undefined when spans are off, or when the host's own provider exports them out of our sight. */
  spans: SpanOutboxStats | undefined;
  /** Of the durable log; undefined when events are kept in memory. */
  log: SqliteEventLogStats | undefined;
  /** Jobs of processes that are gone; undefined where the log is not in a data file. */
  orphans: OrphanStats | undefined;
  logs: LogSinkStats;
  /** Undefined without a bridge. */
  sse: SseStats | undefined;
  /** Events published to the shared feed that waited for a telemetry in vain, as too many did. */
  droppedBeforeStart: number;
}
