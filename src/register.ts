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
  const onSignal = async () => {
    process.off(signal, onSignal);
    // Asked before anything is awaited: an application's own handler may have left by then.
    if (process.listenerCount(signal) > 0) {
      // It will end what runs and then leave; more spans are to come.
      process.on(signal, onSignal);
      await sdk.forceFlush();
      return;
    }
    await sdk.shutdown({ deadlineMs: 1_000 });
    process.kill(process.pid, signal);
  };
  process.on(signal, onSignal);
}
