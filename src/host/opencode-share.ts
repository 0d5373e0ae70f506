import { isDeepStrictEqual } from "node:util";
import type { Environment } from "../config.ts";
import { withUsable } from "./opencode-fallback.ts";
import type { PluginOptions } from "./opencode-options.ts";
import { type RunRegistry, redactedRegistry } from "./opencode-registry.ts";
import { type HostTelemetry, redactor, shownLength } from "./opencode-telemetry.ts";

type SharedOptions = Pick<PluginOptions, "settings" | "redact">;

/** What one directory has of the telemetry of its process. */
export interface Share {
  registry: RunRegistry;
  /** Let its prompts and answers into the jobs. */
  captureContent: boolean;
  /** Sees texts that do not go through the registry; undefined when nothing is to be taken out of them. */
  redact: ((text: string) => string) | undefined;
  /** Its options are those of the telemetry. */
  isInUse: boolean;
  /** What could not be used of options that are not in use, in words. */
  problems: readonly string[];
}

export interface ShareOptions {
  telemetry: HostTelemetry;
  /** What the telemetry was started with. */
  inUse: SharedOptions;
  env: Environment;
}

/** Of two directories' rules for texts the stricter one holds: no other has agreed to what the first lets out. */
export async function shareOf(
  { settings, redact }: SharedOptions,
  { telemetry, inUse, env }: ShareOptions,
): Promise<Share> {
  const { registry } = telemetry;
  const [own, common] = [redactor(redact), redactor(inUse.redact)];
  if (isDeepStrictEqual([settings, redact], [inUse.settings, inUse.redact])) {
    const captureContent = telemetry.shownLength > 0;
    return { registry, captureContent, redact: own, isInUse: true, problems: [] };
  }
  const problems: string[] = [];
  const length = await withUsable({ env, settings }, shownLength, (problem) => problems.push(problem));
  return {
    registry: own ? redactedRegistry(registry, own) : registry,
    captureContent: telemetry.shownLength > 0 && length >= telemetry.shownLength,
    redact: own && common ? (text) => common(own(text)) : (own ?? common),
    isInUse: false,
    problems,
  };
}
