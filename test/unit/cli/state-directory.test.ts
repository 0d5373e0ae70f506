import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
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
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), "orchestra-state-"));
  });
  afterEach(() => rmSync(state, { recursive: true }));

  test("is made for its owner alone", () => {
    const file = defaultLogFile({ XDG_STATE_HOME: state }) as string;

    expect(file).toBe(join(state, "orchestra-otel", "jobs.log"));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("is rotated once it is over 10 MB", () => {
    const env = { XDG_STATE_HOME: state };
    const file = defaultLogFile(env) as string;
    truncateSync(file, 10 * 1024 * 1024);
    defaultLogFile(env);
    expect(existsSync(`${file}.1`)).toBe(false);

    truncateSync(file, 10 * 1024 * 1024 + 1);
    defaultLogFile(env);

    expect(statSync(`${file}.1`).size).toBe(10 * 1024 * 1024 + 1);
    expect(readFileSync(file, "utf8")).toBe("");
  });

  test("is gone without where it cannot be", () => {
    writeFileSync(join(state, "file"), "");

    expect(defaultLogFile({ XDG_STATE_HOME: join(state, "file") })).toBeUndefined();
  });
});
