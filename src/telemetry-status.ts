import { type LossLedger, lossLedger } from "./loss-ledger.ts";
import type { TelemetryStats } from "./telemetry-stats.ts";

/** What `GET /v1/status` tells of a telemetry, the bridge's own part aside. */
export interface TelemetryStatus extends Omit<TelemetryStats, "log"> {
  ledger: LossLedger;
  /** Of the durable log: the bridge's own `log` tells where the log begins and ends. */
  dataFile: TelemetryStats["log"];
}

export function telemetryStatus(stats: TelemetryStats): TelemetryStatus {
  const { log: dataFile, ...rest } = stats;
  return { ledger: lossLedger(stats), ...rest, dataFile };
}
