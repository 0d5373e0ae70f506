import { createLogSink, type LineLogger, type LogSink } from "../exporters/logs.ts";
import { OrchestraError } from "./errors.ts";

/** @throws INVALID_CONFIG naming the option */
export function openLogSink(logger: LineLogger | undefined, file: string | undefined): LogSink {
  try {
    return createLogSink(logger === undefined ? { file } : { logger });
  } catch (error) {
    if (!(error instanceof OrchestraError) || error.path !== "file") throw error;
    throw new OrchestraError("INVALID_CONFIG", `Option \`logFile\`: ${error.message}`, {
      cause: error,
      path: "logFile",
    });
  }
}
