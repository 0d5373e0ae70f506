/**
 * Every attribute, span, span event and metric name this library emits, with its source; nowhere else
 * a literal. `docs/telemetry.md` lists them, and a test holds the two together.
 */

/** Instrumentation scope of everything emitted. */
export const SCOPE_NAME = "orchestra-otel";

/** Our own attributes. The key `WORKER_ID` is reserved to job spans: each job has it exactly once. */
export const ORCHESTRA = {
  JOB_ID: "orchestra.job.id",
  WORKER_ID: "orchestra.worker.id",
  SESSION_ID: "orchestra.session.id",
  JOB_PARENT_ID: "orchestra.job.parent_id",
  JOB_REQUESTED_BY: "orchestra.job.requested_by",
  JOB_ATTEMPT: "orchestra.job.attempt",
  WORKFLOW_RUN_ID: "orchestra.workflow.run_id",
  WORKFLOW_STEP_ID: "orchestra.workflow.step_id",
  JOB_STATUS: "orchestra.job.status",
  JOB_MESSAGE: "orchestra.job.message",
  JOB_MESSAGE_LENGTH: "orchestra.job.message_length",
  JOB_QUEUE_DURATION: "orchestra.job.queue.duration",
  JOB_RESULT: "orchestra.job.result",
  JOB_RECONSTRUCTED: "orchestra.job.reconstructed",
  JOB_CANCEL_REASON: "orchestra.job.cancel_reason",
  JOB_RESPONSE: "orchestra.job.response",
  JOB_RESPONSE_LENGTH: "orchestra.job.response_length",
  PROGRESS_COUNT: "orchestra.job.progress.count",
  PROGRESS_FOLDED: "orchestra.job.progress.folded",
  PROGRESS_MESSAGE: "orchestra.job.progress.message",
  PROGRESS_PERCENT: "orchestra.job.progress.percent",
  PROGRESS_CURRENT: "orchestra.job.progress.current",
  PROGRESS_TOTAL: "orchestra.job.progress.total",
  PROGRESS_UNIT: "orchestra.job.progress.unit",
  PROGRESS_STAGE: "orchestra.job.progress.stage",
  USAGE_COST: "orchestra.usage.cost",
  OPERATION_CANCELED: "orchestra.operation.canceled",
  PERMISSION_NAME: "orchestra.permission.name",
  PERMISSION_REPLY: "orchestra.permission.reply",
  RETRY_ATTEMPT: "orchestra.retry.attempt",
} as const;

/**
 * https://github.com/open-telemetry/semantic-conventions-genai, Development. The constants on npm are
 * marked deprecated since the conventions moved there, so the strings stand here.
 */
export const GEN_AI = {
  OPERATION_NAME: "gen_ai.operation.name",
  AGENT_NAME: "gen_ai.agent.name",
  WORKFLOW_NAME: "gen_ai.workflow.name",
  CONVERSATION_ID: "gen_ai.conversation.id",
  PROVIDER_NAME: "gen_ai.provider.name",
  REQUEST_MODEL: "gen_ai.request.model",
  USAGE_INPUT_TOKENS: "gen_ai.usage.input_tokens",
  USAGE_OUTPUT_TOKENS: "gen_ai.usage.output_tokens",
  TOOL_NAME: "gen_ai.tool.name",
  TOOL_CALL_ID: "gen_ai.tool.call.id",
} as const;

/** https://opentelemetry.io/docs/specs/semconv, 1.45: `general/session.md`, `general/recording-errors.md`, `exceptions/`, `resource/`. */
export const GENERAL = {
  SESSION_ID: "session.id",
  ERROR_TYPE: "error.type",
  EXCEPTION_TYPE: "exception.type",
  EXCEPTION_MESSAGE: "exception.message",
  SERVICE_NAME: "service.name",
  SERVICE_INSTANCE_ID: "service.instance.id",
} as const;

/** First words of span names: operations of the GenAI conventions, and `process` of the messaging ones. */
export const OPERATION = {
  INVOKE_AGENT: "invoke_agent",
  INVOKE_WORKFLOW: "invoke_workflow",
  PROCESS: "process",
  CHAT: "chat",
  EXECUTE_TOOL: "execute_tool",
} as const;

/** Name of the zero-length span that shows a job before it ends. */
export const SPAN_JOB_STARTED = "job.started";
/** Name of the span by which the way to the receiver is tried. */
export const SPAN_DOCTOR = "orchestra.doctor";

/** Span events; `exception` is also the event name of the log record. */
export const SPAN_EVENT = {
  STARTED: "orchestra.job.started",
  PROGRESS: "orchestra.job.progress",
  EXCEPTION: "exception",
  PERMISSION_ASKED: "orchestra.permission.asked",
  PERMISSION_REPLIED: "orchestra.permission.replied",
  RETRY: "orchestra.retry",
} as const;

/** Values of `orchestra.job.result`, after `cicd.pipeline.result` of semconv `cicd/cicd-spans.md`. */
export const JOB_RESULT = {
  SUCCESS: "success",
  /** The work itself failed. */
  FAILURE: "failure",
  TIMEOUT: "timeout",
  CANCELLATION: "cancellation",
  /** Nobody can tell: what ran the job died. */
  ERROR: "error",
} as const;

export type JobResult = (typeof JOB_RESULT)[keyof typeof JOB_RESULT];

/** Metrics with their units (UCUM); names carry neither unit nor `_total`. */
export const METRIC = {
  JOB_DURATION: { name: "orchestra.job.duration", unit: "s" },
  JOB_QUEUE_DURATION: { name: "orchestra.job.queue.duration", unit: "s" },
  JOB_ACTIVE: { name: "orchestra.job.active", unit: "{job}" },
  JOB_CREATED: { name: "orchestra.job.created", unit: "{job}" },
} as const;
