import { FIELD_MEANINGS } from "./field-meanings.ts";
import { table } from "./generated-part.ts";

/** The parts of JSON Schema (draft 2020-12) that the event schemas use. */
export interface JsonSchema {
  type?: "string" | "integer" | "number" | "boolean" | "object" | "array";
  const?: unknown;
  enum?: readonly unknown[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  items?: JsonSchema;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
}

export interface Field {
  /** From `data` on, such as `report.summary`. */
  path: string;
  type: string;
  required: boolean;
  meaning: string;
}

/** The fields of an object, those of objects inside it too. `owner` is the event type, for its own meanings. */
export function fieldsOf(schema: JsonSchema, owner: string, prefix = ""): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = prefix + name;
    const required = schema.required?.includes(name) ?? false;
    const field = { path, type: typeText(property), required, meaning: meaningOf(owner, path, property) };
    return [field, ...fieldsOf(property, owner, `${path}.`)];
  });
}

export function fieldTable(fields: readonly Field[]): string {
  const rows = fields.map(({ path, type, required, meaning }) => [
    `\`${path}\``,
    type,
    required ? "yes" : "",
    meaning,
  ]);
  return table(["field", "type", "required", "meaning"], rows);
}

/** The key of `FIELD_MEANINGS` that tells of a field: the type's own, or the one that all types share. */
export function meaningKey(owner: string, path: string): string {
  const own = `${owner}: ${path}`;
  return Object.hasOwn(FIELD_MEANINGS, own) ? own : path;
}

function meaningOf(owner: string, path: string, schema: JsonSchema): string {
  const meaning = FIELD_MEANINGS[meaningKey(owner, path)];
  const sentences = [meaning, schema.description].filter((sentence) => sentence !== undefined);
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(literal).join(", ");
  if (schema.type === "array") {
    return `array of ${typeText(schema.items ?? {})}${schema.maxItems ? `, at most ${amount(schema.maxItems)}` : ""}`;
  }
  if (schema.type === "string") return `string${lengthText(schema)}`;
  if (schema.type === "integer" || schema.type === "number") return `${schema.type} ${rangeText(schema)}`;
  return schema.type ?? "any";
}

function lengthText({ minLength, maxLength }: JsonSchema): string {
  if (maxLength === undefined) return "";
  return minLength === undefined
    ? ` (up to ${amount(maxLength)})`
    : ` (${amount(minLength)} to ${amount(maxLength)})`;
}

/** The largest numbers that JavaScript and its dates can hold are limits that nobody needs to be told. */
const NO_LIMIT = 8.64e15;

function rangeText({ minimum = 0, maximum = NO_LIMIT }: JsonSchema): string {
  return maximum < NO_LIMIT ? `${amount(minimum)} to ${amount(maximum)}` : `≥ ${amount(minimum)}`;
}

function literal(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function amount(value: number): string {
  return value.toLocaleString("en-US");
}
