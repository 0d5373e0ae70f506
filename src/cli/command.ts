import { parseArgs } from "node:util";
import type { CliContext } from "./context.ts";

interface Flag {
  readonly type: "string" | "boolean";
  /** What the value is called in the help text. */
  readonly value?: string;
  readonly help: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
}

export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F["type"] extends "boolean"
  ? boolean
  : F["multiple"] extends true
    ? string[]
    : string;

export interface Invocation<F extends Flags> {
  readonly flags: { readonly [K in keyof F]?: FlagValue<F[K]> };
  /** Arguments that are neither flags nor their values. */
  readonly operands: readonly string[];
  /** What stands after `--`; undefined when there is no `--`. */
  readonly rest: readonly string[] | undefined;
}

interface CommandSpec<F extends Flags> {
  readonly name: string;
  readonly summary: string;
  /** How the command is called, without the program's name. */
  readonly usage: string;
  readonly flags: F;
  /** @returns the exit code @throws UsageError, OrchestraError */
  run(invocation: Invocation<F>, context: CliContext): Promise<number>;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  run(args: readonly string[], context: CliContext): Promise<number>;
}

/** The command line is wrong; the message names the flag. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const HELP = { help: { type: "boolean", help: "Print this help" } } as const satisfies Flags;

/** Makes a command of its table of flags: parsing and help text both come from there. */
export function defineCommand<const F extends Flags>(spec: CommandSpec<F>): Command {
  const flags = { ...spec.flags, ...HELP };
  const help = helpText(spec, flags);
  return {
    name: spec.name,
    summary: spec.summary,
    help,
    run: async (args, context) => {
      const invocation = parse(flags, args);
      if (!invocation.flags.help) return spec.run(invocation as Invocation<F>, context);
      context.stdout.write(help);
      return 0;
    },
  };
}

function parse<F extends Flags>(flags: F, args: readonly string[]): Invocation<F> {
  const end = args.indexOf("--");
  try {
    const { values, positionals } = parseArgs({
      args: end === -1 ? [...args] : args.slice(0, end),
      options: flags,
      allowPositionals: true,
    });
    return {
      flags: values as Invocation<F>["flags"],
      operands: positionals,
      rest: end === -1 ? undefined : args.slice(end + 1),
    };
  } catch (error) {
    // The first sentence names the flag and the fault; the rest explains positional arguments.
    throw new UsageError((error as Error).message.split(/\. |\n/)[0]);
  }
}

function helpText(spec: CommandSpec<Flags>, flags: Flags): string {
  const rows = Object.entries(flags).map(([name, flag]) => [
    flag.value === undefined ? `--${name}` : `--${name} ${flag.value}`,
    flag.multiple ? `${flag.help} (repeatable)` : flag.help,
  ]) as [string, string][];
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return `${spec.summary}\n\nUsage: orchestra-otel ${spec.usage}\n\n${lines.join("\n")}\n`;
}
