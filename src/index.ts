export type {
  BridgeConfig,
  Environment,
  ExceptionSignal,
  ExporterConfig,
  OtlpProtocol,
  Settings,
} from "./config.ts";
export type { DataFileSettings, OutboxSettings } from "./config-storage.ts";
export { ERROR_CODES, type ErrorCode, OrchestraError } from "./errors.ts";
export {
  createOrchestratorEvent,
  EVENT_TYPES,
  EVENT_VERSION,
  type EventEnvelopeInput,
  isJobEvent,
  type JobEvent,
  type JobEventType,
  type OrchestratorEvent,
  type OrchestratorEventDataMap,
  type OrchestratorEventType,
  orchestratorEventSchema,
  parseOrchestratorEvent,
} from "./event/event.ts";
export type { EventFilter } from "./event/event-filter.ts";
export type {
  Cursor,
  EventLog,
  EventLogBounds,
  EventPage,
  EventRecord,
  GapReason,
  MaybePromise,
  ReadOptions,
  UnplacedEvent,
} from "./event/event-log.ts";
export type { EventSink } from "./event/event-sink.ts";
export { applyJobEvent, type JobSnapshot } from "./event/job-snapshot.ts";
export {
  type OrchestratorEventHandler,
  onOrchestratorEvent,
  publishOrchestratorEvent,
} from "./event/orchestrator-events.ts";
export { EventPublisher, type EventPublisherOptions, type PublisherStats } from "./event/publisher.ts";
export { createMemoryEventLog, type MemoryEventLogOptions } from "./event-log/memory.ts";
export {
  isTerminal,
  JOB_STATUSES,
  JOB_TRANSITIONS,
  type Job,
  type JobEventHandler,
  type JobEventKind,
  type JobProgress,
  type JobReport,
  type JobStatus,
} from "./job/job.ts";
export type {
  CreateJobInput,
  JobCancelInput,
  JobErrorInput,
  JobProgressInput,
  JobResultInput,
} from "./job/job-input.ts";
export {
  type JobListFilter,
  WorkerJobRegistry,
  type WorkerJobRegistryOptions,
  workerJobs,
} from "./job/registry.ts";
export { Content, type ContentOptions } from "./lifecycle/content.ts";
export type { ContentField } from "./lifecycle/event-texts.ts";
export type { ObservedJob } from "./lifecycle/job-facts.ts";
export type { JobFollowerOptions, JobFollowerStats } from "./lifecycle/job-follower.ts";
export type { ObserveOptions } from "./lifecycle/job-observers.ts";
export {
  type JobCreated,
  type JobEnded,
  type JobProgressed,
  type JobStarted,
  type JobTracer,
  noopJobTracer,
  type OpenedSpan,
} from "./lifecycle/job-tracer.ts";
export { type JobEventSource, type JobObserver, observeJobs } from "./lifecycle/observe.ts";
export type { JobWork, RunContext, RunInput } from "./lifecycle/run.ts";
export { startTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
export type { TelemetryStats } from "./telemetry-stats.ts";
export type { SpanOptions } from "./tracing.ts";
