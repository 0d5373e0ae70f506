import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultLogFile, stateDirectory } from "../../../src/cli/state-directory.ts";

describe("the state directory", () => {
  test.each([
    [{ XDG_STATE_HOME: "/state", HOME: "/home/me" }, "/state/orchestra-otel"],
    [{ HOME: "/home/me" }, "/home/me/.local/state/orchestra-otel"],
    [{ XDG_STATE_HOME: "relative", HOME: "/home/me" }, "/home/me/.local/state/orchestra-otel"],
    [{}, join(homedir(), ".local/state/orchestra-otel")],
  ])("with %j is %s", (env, directory) => {
    expect(stateDirectory(env)).toBe(directory);
  });
});

describe("the log file", () => {
  let state: string;
  let refusals: string[];
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), "orchestra-state-"));
    refusals = [];
  });
  const open = (env: Record<string, string>) => defaultLogFile(env, (message) => refusals.push(message));
  afterEach(() => rmSync(state, { recursive: true }));

  test("is made for its owner alone", () => {
    const file = open({ XDG_STATE_HOME: state }) as string;

    expect(file).toBe(join(state, "orchestra-otel", "jobs.log"));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("is rotated once it is over 10 MB", () => {
    const env = { XDG_STATE_HOME: state };
    const file = open(env) as string;
    truncateSync(file, 10 * 1024 * 1024);
    open(env);
    expect(existsSync(`${file}.1`)).toBe(false);

    truncateSync(file, 10 * 1024 * 1024 + 1);
    open(env);

    expect(statSync(`${file}.1`).size).toBe(10 * 1024 * 1024 + 1);
    expect(readFileSync(file, "utf8")).toBe("");
  });

  test("is gone without where it cannot be", () => {
    writeFileSync(join(state, "file"), "");

    expect(open({ XDG_STATE_HOME: join(state, "file") })).toBeUndefined();
    expect(refusals).toEqual([]);
  });

  test("is refused in a directory that others can open, and that is told", () => {
    const directory = join(state, "orchestra-otel");
    mkdirSync(directory);
    chmodSync(directory, 0o750);

    expect(open({ XDG_STATE_HOME: state })).toBeUndefined();
    expect(refusals).toEqual([
      `Expected \`${directory}\` to be a directory that only you can open, got mode 750`,
    ]);
  });

  test("is refused in a directory that leads elsewhere", () => {
    mkdirSync(join(state, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(state, "elsewhere"), join(state, "orchestra-otel"));

    expect(open({ XDG_STATE_HOME: state })).toBeUndefined();
    expect(refusals[0]).toContain("got something else");
  });

  test("is neither written nor rotated where it is a link to another file", () => {
    const precious = join(state, "precious");
    writeFileSync(precious, "", { mode: 0o600 });
    truncateSync(precious, 11 * 1024 * 1024);
    const file = join(state, "orchestra-otel", "jobs.log");
    mkdirSync(join(state, "orchestra-otel"), { mode: 0o700 });
    symlinkSync(precious, file);

    expect(open({ XDG_STATE_HOME: state })).toBeUndefined();
    expect(refusals[0]).toContain("got something else");
    expect(existsSync(`${file}.1`)).toBe(false);
  });

  test("is refused when others can read it", () => {
    const file = open({ XDG_STATE_HOME: state }) as string;
    chmodSync(file, 0o644);

    expect(open({ XDG_STATE_HOME: state })).toBeUndefined();
    expect(refusals[0]).toContain("got mode 644");
  });
});
