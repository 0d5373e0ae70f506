/**
 * `node --import orchestra-otel/register app.js`: OpenTelemetry's NodeSDK, configured by the standard
 * `OTEL_*` variables, before the first line of the application.
 */
import { startNodeSdk } from "./node-sdk.ts";

const sdk = await startNodeSdk({
  onWarning: (message) => process.emitWarning(message, "OrchestraOtelWarning"),
});

// `beforeExit` may fire again when flushing makes new work; the shutdown happens once.
process.once("beforeExit", () => void sdk.shutdown());

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    await sdk.shutdown({ deadlineMs: 1_000 });
    // Die as the process would have without us, unless the application has its own idea of the signal.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  });
}
