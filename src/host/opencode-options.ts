import type { Settings } from "../config.ts";
import { type Fields, fields } from "./opencode-fields.ts";

/** The second element of the plugin's entry in `opencode.json`, sorted out. */
export interface PluginOptions {
  /** What `startTelemetry` takes; not checked yet. */
  settings: Settings;
  /** Hand trace context to the requests that models get. Default: true. */
  chatHeaders: boolean;
  /** Hand trace context to the processes that tools start. Default: true. */
  shellEnv: boolean;
  /** Make a job of each prompt. Default: true. */
  prompts: boolean;
  /** What is taken out of every text that leaves. */
  redact: readonly RegExp[];
  /** What could not be used, in words. */
  problems: readonly string[];
}

/** Never throws: what cannot be used is left out and told of. */
export function readOptions(given: unknown): PluginOptions {
  const problems: string[] = [];
  const object = (path: string, value: unknown): Fields => {
    const isObject = (typeof value === "object" && !Array.isArray(value)) || value === undefined;
    if (!isObject) problems.push(`Option \`${path}\`: expected an object`);
    return isObject ? fields(value) : {};
  };
  const { propagate, prompts, redact, ...settings } = object("options", given);
  const flag = (path: string, value: unknown): boolean => {
    if (typeof value === "boolean" || value === undefined) return value ?? true;
    problems.push(`Option \`${path}\`: expected true or false`);
    return true;
  };
  const { chatHeaders, shellEnv, ...others } = object("propagate", propagate);
  for (const key of Object.keys(others)) problems.push(`Option \`propagate.${key}\`: is not known`);
  const patterns = patternsOf(redact, problems);
  // A text that could not be redacted as asked for must not leave.
  const closed = patterns === undefined && { captureContent: false, previewLength: 0 };
  return {
    settings: { ...settings, ...closed } as Settings,
    chatHeaders: flag("propagate.chatHeaders", chatHeaders),
    shellEnv: flag("propagate.shellEnv", shellEnv),
    prompts: flag("prompts", prompts),
    redact: patterns ?? [EVERYTHING],
    problems,
  };
}

const EVERYTHING = /[\s\S]+/g;

function patternsOf(given: unknown, problems: string[]): RegExp[] | undefined {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    problems.push("Option `redact`: expected a list of regular expressions");
    return undefined;
  }
  const patterns = given.map(patternOf);
  patterns.forEach((pattern, index) => {
    // Not what it says: it may hold the very secret that must not leave.
    if (pattern === undefined) problems.push(`Option \`redact.${index}\`: expected a regular expression`);
  });
  return patterns.includes(undefined) ? undefined : (patterns as RegExp[]);
}

function patternOf(given: unknown): RegExp | undefined {
  try {
    return typeof given === "string" ? new RegExp(given, "g") : undefined;
  } catch {
    return undefined;
  }
}
