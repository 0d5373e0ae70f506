import { describe, expect, test } from "vitest";
import { ChildCommand, type ChildCommandOptions } from "../../../src/cli/child-command.ts";
import { isRunning } from "./running.ts";

function start(command: string[], options: Partial<ChildCommandOptions> = {}) {
  const output = { stdout: "", stderr: "" };
  let onFirst = () => {};
  const first = new Promise<void>((resolve) => {
    onFirst = resolve;
  });
  const collect = (stream: keyof typeof output) => async (chunk: Buffer | undefined) => {
    output[stream] += chunk?.toString() ?? "<end>";
    onFirst();
  };
  const child = new ChildCommand(command, {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH },
    stdin: "ignore",
    ownGroup: true,
    onStdout: collect("stdout"),
    onStderr: collect("stderr"),
    ...options,
  });
  return { child, output, ended: child.ended, first };
}

const sh = (script: string, options?: Partial<ChildCommandOptions>) => start(["sh", "-c", script], options);

describe("how a command ended", () => {
  test.each([
    ["exit 0", { exitCode: 0 }],
    ["exit 3", { exitCode: 3, failure: { error: "exit code 3", errorType: "exit_3" } }],
    [
      "kill -KILL $$",
      { exitCode: 137, failure: { error: "killed by SIGKILL", errorType: "signal_SIGKILL" } },
    ],
  ])("%s", async (script, end) => {
    expect(await sh(script).ended).toEqual(end);
  });

  test("when there is none", async () => {
    expect(await start(["no-such-command"]).ended).toEqual({
      exitCode: 127,
      failure: { error: "no-such-command: command not found", errorType: "spawn_ENOENT" },
    });
  });

  test.each([
    [[import.meta.filename], "spawn_EACCES"],
    [["sh", "nul\0"], "spawn_ERR_INVALID_ARG_VALUE"],
  ])("when it cannot be run", async (command, errorType) => {
    expect(await start(command).ended).toMatchObject({ exitCode: 126, failure: { errorType } });
  });
});

describe("output", () => {
  test("comes whole from both streams, and its end is told", async () => {
    const { output, ended } = sh("echo out; echo err >&2");
    await ended;

    expect(output).toEqual({ stdout: "out\n<end>", stderr: "err\n<end>" });
  });

  test("is waited for when its reader is slow", async () => {
    let bytes = 0;
    const { ended } = sh("head -c 1000000 /dev/zero", {
      onStdout: async (chunk) => {
        await new Promise(setImmediate);
        bytes += chunk?.length ?? 0;
      },
    });
    await ended;

    expect(bytes).toBe(1_000_000);
  });

  test("that nobody reads any more ends the command as in a shell pipeline", async () => {
    const { ended } = start(["yes"], { onStdout: () => Promise.reject(new Error("EPIPE")) });

    expect(await ended).toMatchObject({
      failure: { errorType: expect.stringMatching(/^(signal_SIGPIPE|exit_1)$/) },
    });
  });

  test("of a child left behind is not waited for", async () => {
    const { output, ended } = sh("sleep 60 & echo $!");

    expect(await ended).toEqual({ exitCode: 0 });
    // Its own, as the group's leader has ended; this throws if it was gone.
    process.kill(Number.parseInt(output.stdout, 10), "SIGKILL");
  });
});

describe("signals", () => {
  test.each([
    ["of its own", true],
    ["that is ours", false],
  ])("reach the children of a command in a group %s", async (_group, ownGroup) => {
    const { child, ended, first, output } = sh("sleep 60 & echo $!; wait; exit 0", { ownGroup });
    await first;
    const grandchild = Number.parseInt(output.stdout, 10);
    expect(isRunning(grandchild)).toBe(true);

    child.signal("SIGTERM");

    expect(await ended).toMatchObject({ exitCode: 143, failure: { errorType: "signal_SIGTERM" } });
    await expect.poll(() => isRunning(grandchild), { interval: 5 }).toBe(false);
  });

  test.each([true, false])("kill what outlived the command (own group: %s)", async (ownGroup) => {
    const script = "sh -c 'trap \"\" TERM; echo $$; sleep 60' & wait";
    const { child, ended, first, output } = sh(script, { ownGroup });
    await first;
    const grandchild = Number.parseInt(output.stdout, 10);
    child.signal("SIGTERM");
    await ended;
    expect(isRunning(grandchild)).toBe(true);

    child.killAll();

    await expect.poll(() => isRunning(grandchild), { interval: 5 }).toBe(false);
  });

  test("that kill end the wait for a reader that does not read", async () => {
    const reading = Promise.withResolvers<void>();
    const { child, ended } = sh("echo ready; sleep 60", {
      onStdout: (chunk) => {
        reading.resolve();
        return chunk === undefined ? Promise.resolve() : new Promise(() => {});
      },
    });
    await reading.promise;

    child.signal("SIGKILL");

    expect(await ended).toMatchObject({ exitCode: 137 });
  });

  test("reach a command in our own group", async () => {
    const { child, ended, first } = sh("echo ready; exec sleep 60", { ownGroup: false });
    await first;

    child.signal("SIGINT");

    expect(await ended).toMatchObject({ exitCode: 130 });
  });

  test("after the end are ignored", async () => {
    const { child, ended } = sh("exit 0");
    await ended;

    expect(() => child.signal("SIGKILL")).not.toThrow();
  });
});
