import { hostOfAddress, isLoopback } from "../bridge/host-name.ts";
import {
  CONFIG_VARIABLES,
  type Config,
  type Environment,
  type ExporterConfig,
  readConfig,
  readExporterConfig,
} from "../config.ts";
import type { Finding } from "./doctor-finding.ts";

/** Variables of ours that are no settings: the commands read them. */
const CLI_VARIABLES = ["ORCHESTRA_JOB_ID", "ORCHESTRA_URL"];
const SECRET = /(TOKEN|HEADERS)$/;
const HIDDEN = "(hidden)";

export interface Diagnosed {
  findings: Finding[];
  /** As it would be without the variables that cannot be used. */
  config: Readonly<Config>;
  /** Undefined when a variable that says where to send spans cannot be used. */
  exporter: Readonly<ExporterConfig> | undefined;
}

/** How each variable that is set was read. Unlike a start, it tells of all that are wrong, not of the first. */
export function examineConfiguration(env: Environment): Diagnosed {
  const names = CONFIG_VARIABLES.filter((name) => env[name]);
  const faults = new Map(names.flatMap((name) => faultOf(name, env)));
  const usable = Object.fromEntries(Object.entries(env).filter(([name]) => !faults.has(name)));
  const config = readConfig(usable);
  const findings = [
    ...names.map((name) => variableFinding(name, usable, faults.get(name))),
    ...exposureFinding(config),
    ...strangerFindings(env),
  ];
  if (findings.length === 0) findings.push(finding("note", "No variable is set: the defaults apply"));
  const isExporterFaulty = [...faults.keys()].some((name) => /^OTEL_(EXPORTER|TRACES)_/.test(name));
  return { findings, config, exporter: isExporterFaulty ? undefined : readExporterConfig(usable) };
}

function finding(status: Finding["status"], text: string, facts?: Finding["facts"]): Finding {
  return { part: "configuration", status, text, facts };
}

/** Alone, so that no other variable's fault can hide its own. */
function faultOf(name: string, { [name]: value }: Environment): [name: string, fault: string][] {
  try {
    settingsOf({ [name]: value });
    return [];
  } catch (error) {
    return [[name, (error as Error).message]];
  }
}

function variableFinding(name: string, env: Environment, fault: string | undefined): Finding {
  if (fault !== undefined) return finding("broken", fault, { variable: name });
  const { [name]: value = "", ...others } = env;
  const shown = SECRET.test(name) ? HIDDEN : withoutCredentials(value);
  const alone = difference(settingsOf({}), settingsOf({ [name]: value }));
  const isOverruled = difference(settingsOf(others), settingsOf(env)).size === 0 && alone.size > 0;
  const read = isOverruled ? "has no effect: another variable wins" : readAs(alone, value);
  const text = [`${name} = ${shown}`, read].filter(Boolean).join(", ");
  return finding("ok", text, { variable: name, options: [...alone.keys()] });
}

/** Nothing where the value says it all. */
function readAs(settings: ReadonlyMap<string, string>, value: string): string {
  if (settings.size === 0) return "which is the default";
  const read = [...settings].filter(([, text]) => text !== value);
  return read.length === 0 ? "" : `read as ${read.map((entry) => entry.join(" ")).join(", ")}`;
}

/** All settings by the names that they have in code. */
function settingsOf(env: Environment): Map<string, string> {
  const { sdkDisabled: _, bridge, ...config } = readConfig(env);
  const { portIsDefault: __, ...address } = bridge ?? {};
  const settings = new Map<string, string>();
  enter(settings, "", { ...config, bridge: bridge && address });
  enter(settings, "traces.", readExporterConfig(env));
  return settings;
}

function enter(settings: Map<string, string>, prefix: string, values: object): void {
  for (const [key, value] of Object.entries(values)) {
    const name = prefix + key;
    if (value === undefined || typeof value === "boolean") settings.set(name, value ? "on" : "off");
    else if (Array.isArray(value)) settings.set(name, value.join(", "));
    else if (typeof value === "object") enter(settings, `${name}.`, value);
    else if (/headers\.|\.token$/.test(name)) settings.set(name, HIDDEN);
    else settings.set(name, withoutCredentials(String(value)));
  }
}

/** What the second has that the first has not. */
function difference(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Map<string, string> {
  return new Map([...after].filter(([name, text]) => before.get(name) !== text));
}

function withoutCredentials(value: string): string {
  const url = /^https?:/.test(value) ? URL.parse(value) : null;
  if (url === null || (url.username === "" && url.password === "" && url.search === "")) return value;
  return `${url.origin}${url.pathname} (credentials and query hidden)`;
}

/** A bridge that others can reach does not start without a token. */
function exposureFinding({ bridge }: Config): Finding[] {
  if (bridge === undefined || bridge.token !== undefined || isLoopback(hostOfAddress(bridge.host))) return [];
  const text = `ORCHESTRA_BRIDGE_HOST = ${bridge.host} can be reached by others, so ORCHESTRA_TOKEN must be set, too`;
  return [finding("broken", text, { variable: "ORCHESTRA_TOKEN" })];
}

function strangerFindings(env: Environment): Finding[] {
  const known = new Set([...CONFIG_VARIABLES, ...CLI_VARIABLES]);
  const strangers = Object.keys(env).filter((name) => env[name] && !known.has(name));
  const others = strangers.filter((name) => name.startsWith("OTEL_"));
  return [
    ...strangers.filter((name) => name.startsWith("ORCHESTRA_")).map(misspelt),
    ...(others.length === 0
      ? []
      : [finding("note", `Not read by orchestra-otel: ${others.sort().join(", ")}`, { variables: others })]),
  ];
}

function misspelt(name: string): Finding {
  const letters = (text: string) => text.replaceAll("_", "");
  const meant = [...CONFIG_VARIABLES, ...CLI_VARIABLES].find((known) => letters(known) === letters(name));
  const hint =
    meant === undefined ? "is read by nothing: is it misspelt?" : `is read by nothing: ${meant} is`;
  return finding("broken", `${name} ${hint}`, { variable: name });
}
