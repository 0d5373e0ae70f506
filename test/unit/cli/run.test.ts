import { describe, expect, test } from "vitest";
import { COMMANDS, runCli } from "../../../src/cli/run.ts";
import { createTestContext } from "./cli-context.ts";

async function run(...argv: string[]) {
  const context = createTestContext();
  const exitCode = await runCli(argv, context);
  return { exitCode, stdout: context.stdout.text, stderr: context.stderr.text };
}

describe("help", () => {
  test("lists the commands", async () => {
    const { exitCode, stdout } = await run("--help");

    expect(exitCode).toBe(0);
    for (const { name, summary } of COMMANDS) expect(stdout).toContain(`${name.padEnd(6)} ${summary}`);
  });

  test.each(COMMANDS.map(({ name }) => name))("of %s shows its usage and flags", async (name) => {
    const { exitCode, stdout } = await run(name, "--help");

    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: orchestra-otel ${name}`);
    expect(stdout).toMatch(/^ {2}--help +Print this help$/m);
  });

  test("after -- belongs to the command that is run", async () => {
    const { exitCode, stderr } = await run("exec", "--", "ls", "--help");

    expect(exitCode).toBe(2);
    expect(stderr).toContain("'--worker' is required");
  });
});

test("the version is the package's", async () => {
  expect(await run("--version")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
});

describe("a wrong command line ends with code 2 and names what is wrong", () => {
  test.each([
    [[], "Expected a command"],
    [["bogus"], "Unknown command 'bogus'"],
    [["exec", "--", "true"], "'--worker' is required"],
    [["exec", "--worker", "", "--", "true"], "'--worker' is required"],
    [["exec", "--worker", "w"], "Expected a command after '--'"],
    [["exec", "--worker", "w", "--"], "Expected a command after '--'"],
    [["exec", "--worker", "w", "make", "--", "all"], "not before: 'make'"],
    [["exec", "--worker", "--", "true"], "--worker"],
    [["exec", "--bogus", "--", "true"], "Unknown option '--bogus'"],
    [["exec", "--json=yes", "--", "true"], "--json"],
    [["exec", "--worker", "w", "--timeout", "soon", "--", "true"], "'--timeout' takes a duration"],
    [["exec", "--worker", "w", "--url", "localhost", "--", "true"], "'--url' takes an http"],
    [["serve", "--port", "http"], "'--port' takes a number"],
    [["serve", "--port", "65536"], "'--port' takes a number"],
    [["serve", "now"], "Unexpected argument 'now'"],
    [["serve", "--", "now"], "Unexpected argument 'now'"],
    [["doctor", "me"], "Unexpected argument 'me'"],
    [["doctor", "--fix"], "Unknown option '--fix'"],
    [["tail", "--since", "yesterday"], "'--since' takes all or now"],
    [["tail", "nowhere"], "URL takes an http"],
    [["tail", "http://127.0.0.1:1", "more"], "Unexpected argument 'more'"],
  ])("%j", async (argv, message) => {
    const { exitCode, stdout, stderr } = await run(...argv);

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("--help");
  });

  test("without letting the terminal be written to by an argument", async () => {
    expect((await run("\x1b]0;owned\x07")).stderr).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});
