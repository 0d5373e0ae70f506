import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { deadUrl, startServer } from "../unit/cli/http-server.ts";
import { type CliProcess, createHome } from "./cli-process.ts";

const sh = (script: string) => ["exec", "--worker", "build", "--", "sh", "-c", script];

/** An OTLP receiver: one that takes everything, or one that never answers. */
function startCollector({ answers = true } = {}): Promise<string> {
  return startServer((request, response) => {
    request.resume();
    if (answers) response.setHeader("content-type", "application/json").end("{}");
  });
}

function traced(endpoint: string) {
  return { OTEL_TRACES_EXPORTER: undefined, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
}

describe("a command that fails", () => {
  test("ends exec with its code and leaves a failed job, in the bridge and in the log file", async () => {
    const home = createHome();
    const { url } = await home.serve();

    const { exitCode, stdout, stderr } = await home.start(sh("echo ::progress 50 half; exit 3")).result();
    const { jobs } = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: object[] };

    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 3, stdout: "", stderr: "" });
    expect(jobs).toMatchObject([
      {
        workerId: "build",
        status: "failed",
        error: "exit code 3",
        errorType: "exit_3",
        progress: { percent: 50, message: "half" },
      },
    ]);
    expect(home.log()).toMatchObject([
      { event: "orchestra.job.created", worker_id: "build" },
      { event: "orchestra.job.progress", msg: "build 50 % half" },
      { event: "orchestra.job.failed", status: "failed", error_type: "exit_3" },
    ]);
  });

  test("has the last line it printed on stderr as the reason", async () => {
    const home = createHome();

    const { stderr } = await home
      .start(["exec", "--verbose", ...sh("echo no such file >&2; exit 1").slice(1)])
      .result();

    expect(stderr).toMatch(/^no such file\n\S+ ✗ build failed after .+: exit code 1: no such file\n$/);
  });

  test("to start is a failed job, too", async () => {
    const home = createHome();

    const { exitCode, stderr } = await home
      .start(["exec", "--worker", "build", "--json", "--", "no-such-command"])
      .result();

    expect(exitCode).toBe(127);
    expect(JSON.parse(stderr)).toMatchObject({
      status: "failed",
      error: "no-such-command: command not found",
      errorType: "spawn_ENOENT",
      message: "no-such-command",
    });
  });

  test("to start is told of as a shell would", async () => {
    const home = createHome();

    const { exitCode, stderr } = await home
      .start(["exec", "--worker", "build", "--", "no-such-command"])
      .result();

    expect({ exitCode, stderr }).toEqual({
      exitCode: 127,
      stderr: "orchestra-otel: no-such-command: command not found\n",
    });
  });
});

describe("exec that is killed", () => {
  test("leaves its job to the next with its data file, which tells the bridge of its end", async () => {
    const home = createHome();
    const { url } = await home.serve();
    const jobs = async () => ((await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: object[] }).jobs;
    const env = { ORCHESTRA_DATA_FILE: join(home.state, "exec.db") };
    const killed = home.start(["exec", "--worker", "killed", "--", "cat"], env);
    await expect
      .poll(jobs, { timeout: 10_000, interval: 20 })
      .toMatchObject([{ workerId: "killed", status: "running" }]);

    killed.kill("SIGKILL");
    await killed.exited;
    expect(await jobs()).toMatchObject([{ status: "running" }]);
    await home.start(["exec", "--worker", "next", "--", "true"], env).result();

    expect(await jobs()).toMatchObject([
      { workerId: "next", status: "succeeded" },
      { workerId: "killed", status: "failed", errorType: "interrupted" },
    ]);
  });
});

describe("a command that succeeds", () => {
  test("has its streams passed through, and its last lines as the response", async () => {
    const home = createHome();
    const exec = home.start([
      "exec",
      "--json",
      ...sh("cat; echo ::progress 1/2 files; echo err >&2").slice(1),
    ]);
    exec.child.stdin?.write("in\0\x1b[31m\r\n");

    const { exitCode, stdout, stderr } = await exec.result();
    const [err, json = ""] = stderr.trimEnd().split("\n");

    expect({ exitCode, stdout, err }).toEqual({ exitCode: 0, stdout: "in\0\x1b[31m\r\n", err: "err" });
    expect(JSON.parse(json)).toMatchObject({
      status: "succeeded",
      responsePreview: expect.stringContaining("err"),
      progress: { current: 1, total: 2, percent: 50, message: "files" },
    });
  });

  test("carries the flags into the job", async () => {
    const home = createHome();
    const flags = ["--session", "s-1", "--message", "say nothing", "--parent-job", "p-1", "--json"];

    const { stderr } = await home.start(["exec", "--worker", "w", ...flags, "--", "true"]).result();

    expect(JSON.parse(stderr)).toMatchObject({
      workerId: "w",
      sessionId: "s-1",
      message: "say nothing",
      parentJobId: "p-1",
    });
  });

  test("is ended when its reader goes away, as in a shell pipeline", async () => {
    const home = createHome();
    const exec = home.start(["exec", "--worker", "build", "--", "yes"]);
    await exec.printed("y\n");
    exec.child.stdout?.destroy();

    // By SIGPIPE, or by its own account of the error.
    expect([141, 1]).toContain(await exec.exited);
  });
});

test("a command gets its job's trace context, and a nested exec becomes a child job", async () => {
  const home = createHome();
  const nested = `"${process.execPath}" src/cli/main.ts exec --worker inner -- sh -c 'echo $TRACEPARENT'`;

  const { stdout } = await home
    .start(sh(`echo $TRACEPARENT; ${nested}`), traced(await startCollector()))
    .result();
  const [outer, inner] = stdout
    .trimEnd()
    .split("\n")
    .map((traceparent) => traceparent.split("-"));
  const created = home.log().filter(({ event }) => event === "orchestra.job.created");
  const [parent, child] = created;

  expect(created).toMatchObject([
    { worker_id: "build", trace_id: outer?.[1], span_id: outer?.[2] },
    { worker_id: "inner", trace_id: outer?.[1], span_id: inner?.[2] },
  ]);
  expect(parent?.span_id).not.toBe(child?.span_id);
});

describe("signals", () => {
  test("cancel the job and reach the command", async () => {
    const home = createHome();
    const exec = home.start(["exec", "--json", ...sh("echo ready; exec sleep 60").slice(1)]);
    await exec.printed("ready");

    exec.kill("SIGTERM");
    const { exitCode, stderr } = await exec.result();

    expect(exitCode).toBe(143);
    expect(JSON.parse(stderr)).toMatchObject({ status: "canceled", reason: "SIGTERM" });
  });

  test("leave the command the time to end in its own way", async () => {
    const home = createHome();
    const script = "trap 'echo cleaning; exit 5' INT; echo ready; while :; do sleep 0.01; done";
    const exec = home.start(["exec", "--json", ...sh(script).slice(1)]);
    await exec.printed("ready");

    exec.kill("SIGINT");
    const { exitCode, stdout, stderr } = await exec.result();

    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: "ready\ncleaning\n" });
    expect(JSON.parse(stderr)).toMatchObject({ status: "canceled", reason: "SIGINT" });
  });

  test("a second one ends a command that will not end", async () => {
    const home = createHome();
    const script = "trap 'echo no' TERM; echo ready; while :; do sleep 0.01; done";
    const exec = home.start(sh(script));
    await exec.printed("ready");
    exec.kill("SIGTERM");
    await exec.printed("no");

    exec.kill("SIGTERM");

    expect((await exec.result()).exitCode).toBe(137);
  });
});

test("a command that exceeds its time budget is ended, and the job fails with that reason", async () => {
  const home = createHome();

  const { exitCode, stderr } = await home
    .start(["exec", "--worker", "build", "--timeout", "50ms", "--json", "--", "sleep", "60"])
    .result();

  expect(exitCode).toBe(124);
  expect(JSON.parse(stderr)).toMatchObject({ status: "failed", errorType: "timeout" });
});

describe("telemetry that does not work", () => {
  /** Milliseconds from the end of the command to that of exec. */
  async function delayOf(exec: CliProcess): Promise<number> {
    await exec.printed("done");
    const ended = performance.now();
    await exec.exited;
    return performance.now() - ended;
  }

  test("by a collector that never answers costs two seconds at most", async () => {
    const home = createHome();
    const endpoint = await startCollector({ answers: false });
    const exec = home.start(sh("echo done; exit 4"), traced(endpoint));

    expect(await delayOf(exec)).toBeLessThanOrEqual(2_000);
    expect(await exec.result()).toEqual({ exitCode: 4, stdout: "done\n", stderr: "" });
  });

  test("by a named bridge that never answers costs two seconds at most, and is told of", async () => {
    const home = createHome();
    const url = await startServer(() => {});
    const exec = home.start(sh("echo done; exit 4"), { ORCHESTRA_URL: url });

    expect(await delayOf(exec)).toBeLessThanOrEqual(2_000);
    expect(await exec.result()).toEqual({
      exitCode: 4,
      stdout: "done\n",
      stderr: `orchestra-otel: ${url}: 2 of 2 events did not arrive: no answer in time\n`,
    });
  });

  test("by all of it at once costs no more", async () => {
    const home = createHome();
    const url = await startServer(() => {});
    const exec = home.start(sh("echo done; exit 4"), { ...traced(url), ORCHESTRA_URL: url });

    expect(await delayOf(exec)).toBeLessThanOrEqual(2_000);
  });

  test("that comes right in the end is not told of", async () => {
    const home = createHome();
    let requests = 0;
    const url = await startServer((request, response) => {
      response.statusCode = requests++ === 0 ? 503 : 202;
      request.resume().on("end", () => response.end("{}"));
    });

    expect(await home.start(sh("exit 4"), { ORCHESTRA_URL: url }).result()).toEqual({
      exitCode: 4,
      stdout: "",
      stderr: "",
    });
    expect(requests).toBeGreaterThan(1);
  });

  test("is told of when the bridge was named", async () => {
    const home = createHome();

    const url = await deadUrl();

    const { exitCode, stderr } = await home.start(sh("exit 4"), { ORCHESTRA_URL: url }).result();

    expect(exitCode).toBe(4);
    expect(stderr).toBe(`orchestra-otel: ${url}: 2 of 2 events did not arrive: ECONNREFUSED\n`);
  });

  test("is not told of when a bridge has left its file and gone", async () => {
    const home = createHome();
    const { process } = await home.serve();
    process.kill("SIGKILL");
    await process.exited;

    expect(await home.start(sh("exit 4")).result()).toEqual({ exitCode: 4, stdout: "", stderr: "" });
  });

  test("sends nothing to whoever has the port of a bridge that is gone", async () => {
    const home = createHome();
    const { process, url, token } = await home.serve();
    process.kill("SIGKILL");
    await process.exited;
    const received: string[] = [];
    const stranger = createServer((request, response) => {
      received.push(`${request.method} ${request.headers.authorization}`);
      response.end("{}");
    });
    stranger.listen(Number(new URL(url).port), "127.0.0.1");
    await once(stranger, "listening");

    const { exitCode } = await home.start(sh("exit 4")).result();
    stranger.close();

    expect(token).not.toBe("");
    expect({ exitCode, received }).toEqual({ exitCode: 4, received: [] });
  });

  test("for lack of a safe place for the log file is said, and the command is run", async () => {
    const home = createHome();
    mkdirSync(join(home.state, "orchestra-otel"));
    chmodSync(join(home.state, "orchestra-otel"), 0o755);

    const { exitCode, stderr } = await home.start(sh("exit 4")).result();

    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^orchestra-otel: no log file: Expected .+ only you can open, got mode 755\n$/);
  });

  test("by its configuration is said before the command is run", async () => {
    const home = createHome();

    const { exitCode, stdout, stderr } = await home
      .start(sh("echo ran"), { ORCHESTRA_LOG_FILE: "/no/such/directory/jobs.log" })
      .result();

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("/no/such/directory/jobs.log");
  });
});
