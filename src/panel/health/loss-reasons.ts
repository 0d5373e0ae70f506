/** By their names in `GET /v1/status`. */
const REASONS: ReadonlyMap<string, string> = new Map([
  // Events.
  ["queue_full", "Too many waited to be appended to the log"],
  ["append_failed", "The log did not take them"],
  ["not_encodable", "They make no JSON"],
  ["lost_to_disk", "The data file could not be written for too long"],
  ["before_start", "Too many came before the telemetry was started"],
  // Events and spans.
  ["closed", "They came after the shutdown"],
  // Spans.
  ["over_limit", "More waited than may be kept: the oldest went"],
  ["rejected", "The receiver will never take them: they are kept as dead letters"],
  ["partial_rejected", "The receiver took their request without them"],
  ["vanished", "Another process took them over and sends them, or somebody removed them"],
  ["disk_error", "The disk took none, and too many were in memory"],
  ["invalid", "They cannot be expressed in OTLP"],
  ["shutdown", "They were only in memory when the process was shut down"],
  // Connections to the feed.
  ["slow_bytes", "They read too slowly: too much was queued for them"],
  ["slow_time", "They had stopped reading"],
  ["log_failed", "The log could not be read"],
  ["write_failed", "They could not be written to"],
  ["refused", "As many as may be were connected"],
  ["shutdown_deadline", "They had not left in time at a shutdown"],
]);

/** Why something was lost, in a sentence; undefined for a reason that is not known here. */
export function lossReason(name: string): string | undefined {
  return REASONS.get(name);
}
