import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll } from "vitest";
import { createLogSink } from "../../../exporters/logs.ts";
import { describeEventSink } from "../../conformance/event-sink.ts";

const directory = mkdtempSync(join(tmpdir(), "orchestra-logs-"));
afterAll(() => rmSync(directory, { recursive: true }));

const logger = pino({ level: "debug" }, { write: () => {} });

describeEventSink("log lines into nothing", () => createLogSink());
describeEventSink("log lines through a user's pino", () => createLogSink({ logger }));
describeEventSink("log lines into a file", () => createLogSink({ file: join(directory, "jobs.log") }));
