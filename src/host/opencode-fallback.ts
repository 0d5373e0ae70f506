import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Environment, Settings } from "../config.ts";
import { OrchestraError, reasonOf } from "../errors.ts";
import { type Fields, fields } from "./opencode-fields.ts";

/** What the telemetry is to be started with. */
export interface Given {
  env: Environment;
  settings: Settings;
}

/** Stands for no data file. */
const IN_MEMORY = "memory";
const SERVICE_NAME = "opencode";
const LEFT_OUT = "it is left out";

/** What would let more out if it were left out: what it protects is closed instead. */
const PROTECTIONS: readonly { paths: RegExp; closed: Settings; outcome: string }[] = [
  {
    paths:
      /^(bridge(\.(tls|token|host|allowed\w+)(\..*)?)?|ORCHESTRA_(TOKEN|BRIDGE(_HOST|_TLS_\w+)?|ALLOWED_\w+))$/,
    closed: { bridge: false },
    outcome: "no feed is served",
  },
  {
    paths: /^(traces|OTEL_TRACES_EXPORTER|OTEL_SDK_DISABLED)$/,
    closed: { traces: false },
    outcome: "no spans are sent",
  },
  {
    paths: /^(captureContent|ORCHESTRA_CAPTURE_CONTENT)$/,
    closed: { captureContent: false },
    outcome: "it counts as false",
  },
  {
    paths: /^(previewLength|ORCHESTRA_PREVIEW_LENGTH)$/,
    closed: { previewLength: 0 },
    outcome: "it counts as 0",
  },
];

/**
 * What `action` makes of as much of the options and variables as can be used.
 * @param onProblem told of each of the others, and of what it gives way to
 * @throws what `action` throws for anything else
 */
export async function withUsable<T>(
  given: Given,
  action: (usable: Given) => T | Promise<T>,
  onProblem: (message: string) => void,
): Promise<T> {
  let left = given;
  // Each turn takes one thing out of what was given, so there is a last one.
  for (;;) {
    try {
      return await action(withDefaults(left));
    } catch (error) {
      const { given: next, outcome } = fallback(error, left);
      if (isDeepStrictEqual(next, left)) throw error;
      onProblem(`${reasonOf(error)}; ${outcome}`);
      left = next;
    }
  }
}

function withDefaults({ env, settings }: Given): Given {
  const isNamed = env.OTEL_SERVICE_NAME || /(^|,)\s*service\.name=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? "");
  const { bridge, dataFile } = settings;
  const file = givenFile(settings) ?? (env.ORCHESTRA_DATA_FILE || defaultFile(env));
  const isInMemory = file === IN_MEMORY;
  const limits = typeof dataFile === "string" ? {} : dataFile;
  return {
    env: isInMemory ? { ...env, ORCHESTRA_DATA_FILE: undefined } : env,
    settings: {
      ...(!isNamed && { serviceName: SERVICE_NAME }),
      ...settings,
      // A second OpenCode on the machine has its jobs in the feed of the first.
      bridge: isGroup(bridge) ? { join: true, ...bridge } : bridge,
      dataFile: isGroup(limits) ? { ...limits, file: isInMemory ? undefined : file } : limits,
    },
  };
}

/** Whether it may hold options; what may not is left as it is, for whoever checks them. */
function isGroup(given: unknown): given is object | undefined {
  return given === undefined || (typeof given === "object" && given !== null && !Array.isArray(given));
}

function givenFile({ dataFile }: Settings): string | undefined {
  return typeof dataFile === "string" ? dataFile : dataFile?.file;
}

/** https://specifications.freedesktop.org/basedir-spec/latest/ */
function defaultFile(env: Environment): string | undefined {
  const state = env.XDG_STATE_HOME || (env.HOME && join(env.HOME, ".local", "state"));
  if (!state) return undefined;
  return join(state, "orchestra-otel", "opencode.db");
}

/** What to go on with instead of what could not be used; the same when the fault is none of the options. */
function fallback(error: unknown, given: Given): { given: Given; outcome: string } {
  const path = error instanceof OrchestraError ? error.path : undefined;
  if (path === undefined) return { given, outcome: LEFT_OUT };
  if (path === "file" && !Object.hasOwn(given.settings, path)) {
    return { given: withoutFile(given), outcome: LEFT_OUT };
  }
  const left = without(path, given);
  const protection = PROTECTIONS.find(({ paths }) => paths.test(path));
  if (protection === undefined) return { given: left, outcome: LEFT_OUT };
  const { closed, outcome } = protection;
  return { given: { ...left, settings: { ...left.settings, ...closed } }, outcome };
}

function without(path: string, { env, settings }: Given): Given {
  if (env[path] !== undefined) return { env: { ...env, [path]: undefined }, settings };
  return { env, settings: dropped(fields(settings), path.split(".")) as Settings };
}

/** The option gives way to the variable, that to the default, and that to memory. */
function withoutFile({ env, settings }: Given): Given {
  const file = givenFile(settings);
  if (file === IN_MEMORY) return { env, settings };
  if (file !== undefined)
    return { env, settings: dropped(fields(settings), ["dataFile", "file"]) as Settings };
  if (env.ORCHESTRA_DATA_FILE) return { env: { ...env, ORCHESTRA_DATA_FILE: undefined }, settings };
  const dataFile = { ...fields(settings.dataFile), file: IN_MEMORY };
  return { env, settings: { ...settings, dataFile } };
}

/** A copy without the value at `path`, or without what it is part of; the same when there is neither. */
function dropped(values: Fields, [key = "", ...rest]: readonly string[]): Fields {
  if (!Object.hasOwn(values, key)) return values;
  const { [key]: value, ...others } = values;
  const group = fields(value);
  const inner = rest.length > 0 ? dropped(group, rest) : group;
  return inner === group ? others : { ...others, [key]: inner };
}
