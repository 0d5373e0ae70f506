import { glob, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobProgressInput, Telemetry } from "../../src/index.ts";
import { type CommandJob, runCommand } from "./command.ts";

/** Verifies this repository with three workers; each does its jobs one after another. */
export async function verifyRepository(telemetry: Telemetry, signal: AbortSignal): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "orchestra-quickstart-"));
  const sessionId = `verify-${process.pid}`;
  const queues = await workerQueues(scratch);
  const parent = { workerId: "workflow:verify", message: "Verify this repository", sessionId, signal };
  try {
    await telemetry.run(parent, async (_job, { progress, signal: canceled }) => {
      const total = queues.flat().length;
      let current = 0;
      const work = async (queue: readonly Omit<CommandJob, "sessionId">[]) => {
        for (const job of queue) {
          // How each job ended is on record; the others go on whatever happened to it.
          await runCommand(telemetry, { ...job, sessionId }, canceled).catch(() => {});
          progress({ message: `${job.workerId}: ${job.message}`, current: ++current, total, unit: "jobs" });
        }
      };
      await Promise.all(queues.map(work));
      return `${total} jobs done`;
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function workerQueues(scratch: string): Promise<Omit<CommandJob, "sessionId">[][]> {
  const broken = join(scratch, "broken.ts");
  await writeFile(broken, 'export const answer: number = "forty-two";\n');
  let testFiles = 0;
  for await (const _file of glob("test/unit/**/*.test.ts")) testFiles++;
  return [
    [
      { workerId: "checker", message: "Check all types", command: ["tsc", "-p", "."] },
      { workerId: "checker", message: "Lint", command: ["biome", "lint", "."] },
      {
        workerId: "checker",
        message: "Check a file with a type error",
        command: ["tsc", "--noEmit", "--ignoreConfig", broken],
      },
    ],
    [
      {
        workerId: "tester",
        message: "Run the unit tests",
        command: ["vitest", "run", "--project", "unit"],
        progressOf: testProgress(testFiles),
      },
    ],
    [
      {
        workerId: "builder",
        message: "Build the package",
        command: ["tsc", "-p", "tsconfig.build.json", "--outDir", join(scratch, "dist")],
      },
      {
        workerId: "builder",
        message: "Rebuild on every change",
        command: ["tsc", "-p", ".", "--watch", "--preserveWatchOutput"],
        timeoutMs: 2_000,
      },
    ],
  ];
}

/** The runner prints a line for each test file that is done. */
function testProgress(total: number): (line: string) => JobProgressInput | undefined {
  let current = 0;
  return (line) => {
    const file = /^\s*[✓❯×].*\s(\S+\.test\.ts)\b/u.exec(line)?.[1];
    if (file === undefined) return undefined;
    current = Math.min(current + 1, total);
    return { message: file, current, total, percent: Math.round((100 * current) / total), unit: "files" };
  };
}
