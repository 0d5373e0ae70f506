import { z } from "zod";
import {
  EVENT_DATA,
  EVENT_TYPES,
  type OrchestratorEventType,
  orchestratorEventSchema,
} from "../../src/event/event.ts";
import { JOB_EVENT_DATA } from "../../src/event/event-fields.ts";
import { EVENT_EXAMPLES } from "./event-examples.ts";
import { type Field, fieldsOf, fieldTable, type JsonSchema } from "./field-table.ts";
import { replaceGenerated } from "./generated-part.ts";

/** When each type is published. */
const OCCASIONS: Record<OrchestratorEventType, string> = {
  "orchestra.job.created": "A job exists. Always a job's first event.",
  "orchestra.job.started": "A queued job was picked up by its worker. Only sources with a queue have it.",
  "orchestra.job.progress": "A running job told how far it is.",
  "orchestra.job.completed": "A job succeeded. One of the three ends of a job.",
  "orchestra.job.failed":
    "A job failed, exceeded its time budget or lost its process. One of the three ends.",
  "orchestra.job.canceled": "A job was ended on request. One of the three ends.",
  "orchestra.job.reported": "A report was attached to a job that had ended: all that may follow an end.",
  "orchestra.worker.status": "A worker changed its state.",
  "orchestra.worker.stream": "A worker put out a piece of text.",
  "orchestra.workflow.started": "A workflow run began.",
  "orchestra.workflow.step": "A step of a run ended.",
  "orchestra.workflow.carry.trimmed": "What one step hands to the next was too long and was cut.",
  "orchestra.workflow.completed": "A workflow run ended.",
  "orchestra.memory.written": "An entry of the orchestrator's memory was written.",
  "orchestra.skill.load.started": "A skill is being loaded.",
  "orchestra.skill.load.completed": "A skill was loaded.",
  "orchestra.skill.load.failed": "A skill could not be loaded.",
  "orchestra.skill.permission": "It was decided whether a skill may be used.",
  "orchestra.error": "Something went wrong outside of any job.",
};

/** `docs/events.md` with its generated parts as the schemas, meanings and examples now have them. */
export function renderEventDocs(document: string): string {
  const [jobTypes, otherTypes] = [true, false].map((isJob) =>
    EVENT_TYPES.filter((type) => Object.hasOwn(JOB_EVENT_DATA, type) === isJob),
  ) as [OrchestratorEventType[], OrchestratorEventType[]];
  const common = commonFields(jobTypes);
  const isOwn = (field: Field) => !common.some(({ path }) => path === field.path);
  const parts = {
    envelope: fieldTable(envelopeFields()),
    "common fields": fieldTable(common),
    "job events": jobTypes.map((type) => section(type, eventFields(type).filter(isOwn))).join("\n\n"),
    "other events": otherTypes.map((type) => section(type, eventFields(type))).join("\n\n"),
  };
  return Object.entries(parts).reduce(
    (text, [name, content]) => replaceGenerated(text, name, content),
    document,
  );
}

export function eventFields(type: OrchestratorEventType): Field[] {
  return fieldsOf(z.toJSONSchema(EVENT_DATA[type]) as JsonSchema, type);
}

/** The fields around `data`, which are the same for every type but for the literal in `type`. */
export function envelopeFields(): Field[] {
  const { oneOf } = z.toJSONSchema(orchestratorEventSchema) as { oneOf: JsonSchema[] };
  const { properties, required } = oneOf[0] as JsonSchema;
  const envelope = { ...properties, type: { type: "string" as const }, data: { type: "object" as const } };
  return fieldsOf({ properties: envelope, required: required ?? [] }, "envelope");
}

function commonFields(types: readonly OrchestratorEventType[]): Field[] {
  const [first = [], ...others] = types.map(eventFields);
  const key = (field: Field) => JSON.stringify(field);
  const keys = others.map((fields) => new Set(fields.map(key)));
  return first.filter((field) => keys.every((held) => held.has(key(field))));
}

function section(type: OrchestratorEventType, fields: Field[]): string {
  const example = EVENT_EXAMPLES.find((event) => event.type === type);
  return [
    `### ${type}`,
    OCCASIONS[type],
    fieldTable(fields),
    `\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``,
  ].join("\n\n");
}
