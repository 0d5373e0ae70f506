import { describe, expect, test } from "vitest";
import { CommandJob, type CommandJobOptions } from "../../../src/cli/command-job.ts";
import type { CliContext } from "../../../src/cli/context.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { createJobRunner, type RunInput } from "../../../src/lifecycle/run.ts";
import { createTestContext, MemoryTerminal } from "./cli-context.ts";
import { isRunning } from "./running.ts";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** Resolves its promise when a text was written to it. */
class WatchedTerminal extends MemoryTerminal {
  #waiting: { text: string; resolve: () => void }[] = [];

  override _write(chunk: Buffer, encoding: string, done: () => void): void {
    super._write(chunk, encoding, done);
    for (const { text, resolve } of this.#waiting) if (this.text.includes(text)) resolve();
  }

  printed(text: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ text, resolve }));
  }
}

function start(
  script: string,
  overrides: Partial<CliContext> = {},
  input: Partial<RunInput> = {},
  options: CommandJobOptions = {},
) {
  const registry = new WorkerJobRegistry();
  const spans = { within: <T>(_jobId: string, fn: () => T) => fn(), traceparent: () => TRACEPARENT };
  const { run } = createJobRunner(registry, spans);
  const stdout = new WatchedTerminal();
  const context = createTestContext({ env: { PATH: process.env.PATH }, stdout, ...overrides });
  const job = new CommandJob(["sh", "-c", script], { run, registry }, context, options);
  const exitCode = job.run({ workerId: "build", message: script, ...input });
  return {
    exitCode,
    stdout,
    stderr: context.stderr,
    signal: context.signal,
    job: () => registry.list()[0],
    registry,
  };
}

describe("the job of a command", () => {
  test("succeeds with the end of the output as its response", async () => {
    const { exitCode, job } = start("echo one; echo ::progress 40 x; echo two");

    expect(await exitCode).toBe(0);
    expect(job()).toMatchObject({
      status: "succeeded",
      responseText: "one\ntwo",
      progress: { percent: 40, message: "x" },
    });
  });

  test("fails with the code as its class, and a reason that is cut", async () => {
    const { exitCode, job } = start("printf '%0300d' 0 >&2; exit 9");

    expect(await exitCode).toBe(9);
    expect(job()).toMatchObject({
      status: "failed",
      errorType: "exit_9",
      error: `exit code 9: ${"0".repeat(200)}`,
    });
  });

  test("is known to the command, and so is its trace", async () => {
    const { exitCode, stdout, job } = start("echo $ORCHESTRA_JOB_ID $TRACEPARENT");
    await exitCode;

    expect(stdout.text).toBe(`${job()?.id} ${TRACEPARENT}\n`);
  });

  test("that cannot be made runs nothing", async () => {
    const { exitCode, stdout } = start("echo ran", {}, { workerId: "" });

    await expect(exitCode).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(stdout.text).toBe("");
  });

  test("goes on when nobody reads the output any more", async () => {
    const stdout = new MemoryTerminal();
    stdout.on("error", () => {});
    stdout.destroy();
    const { exitCode, job } = start("echo lost; exit 0", { stdout });

    expect(await exitCode).toBe(0);
    expect(job()).toMatchObject({ status: "succeeded" });
  });

  test("that is canceled from elsewhere is ended, with the code of that", async () => {
    const { exitCode, stdout, job, registry } = start("echo up; exec sleep 60");
    await stdout.printed("up");
    registry.cancel(job()?.id as string, { reason: "not needed" });

    expect(await exitCode).toBe(143);
    expect(job()).toMatchObject({ status: "canceled", reason: "not needed" });
  });

  test("that is canceled from elsewhere leaves nothing behind", async () => {
    const { exitCode, stdout, job, registry } = start(
      "sh -c 'trap \"\" TERM; echo $$; exec sleep 60' & wait",
    );
    await stdout.printed("\n");
    registry.cancel(job()?.id as string);

    expect(await exitCode).toBe(143);
    const grandchild = Number.parseInt(stdout.text, 10);
    expect(grandchild).toBeGreaterThan(0);
    await expect.poll(() => isRunning(grandchild), { interval: 5 }).toBe(false);
  });

  test("that exceeds its time budget ends with the code of timeout(1)", async () => {
    const { exitCode, job } = start("exec sleep 60", {}, { timeoutMs: 20 });

    expect(await exitCode).toBe(124);
    expect(job()).toMatchObject({ status: "failed", errorType: "timeout" });
  });
});

describe.each([false, true])("a time budget (on a terminal: %s)", (isInteractive) => {
  const STUBBORN = "trap '' TERM INT; echo ready; while :; do sleep 0.01; done";

  test("leaves nothing of the command behind when it is over", async () => {
    const script = "sh -c 'trap \"\" TERM; echo $$; exec sleep 60' & wait";
    const { exitCode, stdout } = start(script, { isInteractive }, { timeoutMs: 500 });

    expect(await exitCode).toBe(124);
    const grandchild = Number.parseInt(stdout.text, 10);
    expect(grandchild).toBeGreaterThan(0);
    await expect.poll(() => isRunning(grandchild), { interval: 5 }).toBe(false);
  });

  test("ends a command that ignores it, also after it ignored a signal", async () => {
    const timing = [{ isInteractive }, { timeoutMs: 300 }, { killAfterMs: 50 }] as const;
    const { exitCode, stdout, signal, job } = start(STUBBORN, ...timing);
    await stdout.printed("ready");

    signal("SIGTERM");

    expect(await exitCode).toBe(124);
    expect(job()).toMatchObject({ status: "failed", errorType: "timeout" });
  });
});

describe("a signal", () => {
  const COUNT = "trap 'echo got' INT TERM; echo ready; while :; do sleep 0.01; done";

  test("is passed on where no terminal does it", async () => {
    const { exitCode, stdout, signal } = start(COUNT);
    await stdout.printed("ready");

    signal("SIGINT");
    await stdout.printed("got");
    signal("SIGINT");

    expect(await exitCode).toBe(137);
  });

  test("by Ctrl-C has reached the command before, on a terminal", async () => {
    const { exitCode, stdout, signal, job } = start(COUNT, { isInteractive: true });
    await stdout.printed("ready");

    signal("SIGINT");
    signal("SIGINT");

    expect(await exitCode).toBe(137);
    expect(stdout.text).toBe("ready\n");
    expect(job()).toMatchObject({ status: "canceled", reason: "SIGINT" });
  });

  test("that is SIGINT and came to us alone is passed on, on a terminal, and then the command is killed", async () => {
    const { exitCode, stdout, signal, job } = start(COUNT, { isInteractive: true }, {}, { killAfterMs: 50 });
    await stdout.printed("ready");

    signal("SIGINT");
    await stdout.printed("got");

    expect(await exitCode).toBe(137);
    expect(job()).toMatchObject({ status: "canceled", reason: "SIGINT" });
  });

  test("of another kind is passed on, on a terminal, too", async () => {
    const { exitCode, stdout, signal, job } = start("echo ready; exec sleep 60", { isInteractive: true });
    await stdout.printed("ready");

    signal("SIGTERM");

    expect(await exitCode).toBe(143);
    expect(job()).toMatchObject({ status: "canceled", reason: "SIGTERM" });
  });

  test("that comes before the command was started is not forgotten", async () => {
    const { exitCode, signal, job } = start("exec sleep 60");
    signal("SIGTERM");

    expect(await exitCode).toBe(143);
    expect(job()).toMatchObject({ status: "canceled" });
  });
});
