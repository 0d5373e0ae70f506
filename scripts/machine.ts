/** What set-up may do to the machine that it runs on. */
import { spawnSync } from "node:child_process";

export interface Machine {
  env: Record<string, string | undefined>;
  /** Undefined on Windows. */
  userId: number | undefined;
  /** Whether the command ended well. */
  run(command: string, args: readonly string[]): boolean;
  /** Told what takes its time. */
  say(text: string): void;
}

const TIMEOUT_MS = 10 * 60_000;

export const thisMachine: Machine = {
  env: process.env,
  userId: process.getuid?.(),
  run: (command, args) => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    return spawnSync(command, args, { env, stdio: "ignore", timeout: TIMEOUT_MS }).status === 0;
  },
  say: (text) => process.stderr.write(`${text}\n`),
};

/** Installs a package of Debian, or of a system made from it, where that is possible. */
export function installPackage(name: string, { userId, run }: Machine): boolean {
  return userId === 0 && run("apt-get", ["update"]) && run("apt-get", ["install", "-y", name]);
}

/**
 * Makes a command of the Debian package of the same name available.
 * @throws when it is not there and cannot be installed
 */
export function requireCommand(name: string, machine: Machine = thisMachine): void {
  if (machine.run(name, ["--version"])) return;
  machine.say(`Installing ${name} for the tests, this happens once …`);
  if (!installPackage(name, machine) || !machine.run(name, ["--version"])) {
    throw new Error(`The tests of the examples need \`${name}\`: install it`);
  }
}
