import type { Environment } from "../config.ts";
import { Directories } from "./opencode-directories.ts";
import { factOfEvent, factOfMessage, factOfRequest } from "./opencode-events.ts";
import { fields, name } from "./opencode-fields.ts";
import { Guard, type OnFault } from "./opencode-guard.ts";
import { DIRECTORY_CLOSED, type Log, OpenCodeHost } from "./opencode-host.ts";
import type { Instance } from "./opencode-instance.ts";
import { type PluginOptions, readOptions } from "./opencode-options.ts";

/** What OpenCode calls. Each argument is checked where it is read. */
export interface OpenCodeHooks {
  event?: (input: unknown) => Promise<void>;
  "chat.message"?: (input: unknown, output: unknown) => Promise<void>;
  "chat.headers"?: (input: unknown, output: unknown) => Promise<void>;
  "shell.env"?: (input: unknown, output: unknown) => Promise<void>;
  dispose?: () => Promise<void>;
}

/** One for the process: OpenCode calls a plugin again for each directory. */
const host = new OpenCodeHost();
const directories = new Directories(host, import.meta.url);

/** The hooks for one directory; none when even that fails. Never throws, and waits for nothing. */
export function openCodeHooks(input: unknown, given: unknown, env: Environment): OpenCodeHooks {
  const guard = new Guard(faultsTo(logTo(input)));
  return guard.run("server", () => hooksOf(input, readOptions(given), env)) ?? {};
}

function hooksOf(input: unknown, options: PluginOptions, env: Environment): OpenCodeHooks {
  const log = logTo(input);
  const directory = name(fields(input).directory);
  const other = directories.heldFrom(directory);
  if (other !== undefined) {
    const copies = `this copy does nothing (${import.meta.url}), as ${other} is there`;
    log(`The plugin is loaded twice for ${directory}: ${copies}`);
    return {};
  }
  const guard = new Guard(faultsTo(log));
  const abort = (sessionId: string) => void guard.runLong("abort", () => abortSession(input, sessionId));
  const { instance, opened, leave } = host.enter({
    options,
    env,
    log,
    directory: directory ?? "a directory",
    abort,
  });
  const letGo = directories.hold(directory, () => {
    // At once: whoever follows is told of the same from now on.
    instance.close(DIRECTORY_CLOSED, Date.now());
    void leave();
  });
  void opened.then((isOpen) => {
    if (isOpen) return;
    // Another copy may be able to serve it, and so may this one later.
    letGo();
    void leave();
  });
  return {
    event: guard.hook("event", (told) => instance.take(factOfEvent(fields(told).event, Date.now()))),
    "chat.message": guard.hook("chat.message", (asked, message) =>
      instance.take(factOfMessage(asked, message, Date.now())),
    ),
    "chat.headers": guard.hook("chat.headers", (asked, output) => {
      instance.take(factOfRequest(asked, Date.now()));
      if (options.chatHeaders) handOn("headers", output, "traceparent", chatTraceparent(instance, asked));
    }),
    "shell.env": guard.hook("shell.env", (asked, output) => {
      if (options.shellEnv) handOn("env", output, "TRACEPARENT", toolTraceparent(instance, asked));
    }),
    dispose: () => {
      letGo();
      return leave();
    },
  };
}

function chatTraceparent(instance: Instance, asked: unknown): string | undefined {
  return instance.chatTraceparent(name(fields(asked).sessionID) ?? "");
}

function toolTraceparent(instance: Instance, asked: unknown): string | undefined {
  const { sessionID, callID } = fields(asked);
  return instance.toolTraceparent(name(sessionID) ?? "", name(callID) ?? "");
}

/** Unless somebody else has put one there. */
function handOn(target: string, output: unknown, key: string, traceparent: string | undefined): void {
  const values = fields(output)[target] as Record<string, unknown> | undefined;
  if (traceparent !== undefined && values) values[key] ??= traceparent;
}

const NAME = "orchestra-otel";

type Client = Partial<Record<"app" | "session", Record<string, (request: object) => Promise<unknown>>>>;

function clientOf(input: unknown): Client {
  return fields(input).client as Client;
}

/** Writes to OpenCode's own log, as what is printed would end up in its screen. Never throws. */
function logTo(input: unknown): Log {
  return (message, level = "warn") => {
    const body = { service: NAME, level, message: `${NAME}: ${message}` };
    const write = async () => clientOf(input)?.app?.log?.({ body });
    void write().catch(() => {});
  };
}

function faultsTo(log: Log): OnFault {
  return (where, error) => log(`The OpenCode plugin failed at ${where}: ${error}`);
}

async function abortSession(input: unknown, id: string): Promise<void> {
  await clientOf(input)?.session?.abort?.({ path: { id } });
}
