import { describe, expect, test } from "vitest";
import { startServer } from "../unit/cli/http-server.ts";
import { created } from "../unit/cli/job-events.ts";
import { type CliHome, createHome } from "./cli-process.ts";

const exec = (home: CliHome, worker: string, script: string) =>
  home.start(["exec", "--worker", worker, "--", "sh", "-c", script]).result();

describe("tail", () => {
  test("shows what the bridge holds and what comes, and ends well on Ctrl-C", async () => {
    const home = createHome();
    await home.serve();
    await exec(home, "early", "exit 0");
    const tail = home.start(["tail", "--since", "all"]);
    await tail.printed("early completed");

    await exec(home, "late", "echo ::progress 40 compiling; exit 3");
    await tail.printed("late failed");
    tail.kill("SIGINT");

    expect(await tail.exited).toBe(0);
    expect(tail.stdout).toMatch(
      /^\S+ ● early started: .+\n\S+ ✓ early completed in .+\n\S+ ● late started: .+\n\S+ · late 40 % compiling\n\S+ ✗ late failed after .+: exit code 3\n$/,
    );
    expect(tail.stderr).toBe("");
  });

  test("shows only what was asked for, as the events came", async () => {
    const home = createHome();
    const { url } = await home.serve();
    await exec(home, "a", "exit 0");
    await exec(home, "b", "exit 0");
    const flags = ["--since", "all", "--json", "--worker", "b", "--type", "orchestra.job.completed"];
    const tail = home.start(["tail", url, ...flags]);
    await tail.printed("\n");
    tail.kill("SIGTERM");

    expect(await tail.exited).toBe(0);
    expect(
      tail.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ version: 1, type: "orchestra.job.completed", data: { workerId: "b" } }]);
  });

  test("waits for a bridge, and finds the one that comes after", async () => {
    const home = createHome();
    const tail = home.start(["tail", "--since", "all"]);
    await tail.printed("trying again");
    const first = await home.serve();
    await exec(home, "one", "exit 0");
    await tail.printed("one completed");

    first.process.kill("SIGTERM");
    await first.process.exited;
    await home.serve();
    await exec(home, "two", "exit 0");
    await tail.printed("two completed");

    expect(tail.stderr).toContain("events may be missing here");
  });

  test("ends quietly when its reader does", async () => {
    const home = createHome();
    await home.serve();
    await exec(home, "early", "exit 0");
    const tail = home.start(["tail", "--since", "all"]);
    await tail.printed("early completed");

    tail.child.stdout?.destroy();
    await exec(home, "late", "exit 0");

    expect(await tail.exited).toBe(0);
    expect(tail.stderr).toBe("");
  });

  test("shows all there is of a bridge that does not know how to be asked for it", async () => {
    const home = createHome();
    const event = created({ jobId: "old" });
    const requests: (string | undefined)[] = [];
    const url = await startServer(({ url: path }, response) => {
      requests.push(path);
      response.writeHead(200, { "content-type": "text/event-stream" });
      const resync = JSON.stringify({ reason: "invalid", requested: "oldest" });
      response.write(`event: orchestra.stream.resync\ndata: ${resync}\n\n`);
      response.write(`id: e-1\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    });
    const tail = home.start(["tail", url, "--since", "all"]);
    await tail.printed("build started");
    tail.kill("SIGINT");

    expect(await tail.exited).toBe(0);
    expect(requests).toEqual(["/v1/events?after=oldest"]);
    expect(tail.stderr).toBe("");
  });

  test("goes on after an event that is too long", async () => {
    const home = createHome();
    const event = created();
    const url = await startServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`id: e-1\nevent: x\ndata: ${"y".repeat(17 * 1024 * 1024)}\n\n`);
      response.write(`id: e-2\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    });
    const tail = home.start(["tail", url]);
    await tail.printed("build started");

    expect(tail.stderr).toBe("· an event that is too long was left out\n");
  });

  test("says why it is refused", async () => {
    const home = createHome();
    const { url } = await home.serve();

    const { exitCode, stderr } = await home.start(["tail", url, "--type", "orchestra.bogus"]).result();

    expect(exitCode).toBe(1);
    expect(stderr).toContain("orchestra.bogus");
  });
});
