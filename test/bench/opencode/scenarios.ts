import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../../opencode/rig/audit.ts";
import type { Measurement } from "../report.ts";

interface TestReport {
  numFailedTests: number;
  testResults: { assertionResults: { meta: { verdict?: Verdict } }[] }[];
}

const KINDS = ["openSpans", "orphanSpans", "notExactlyOneTerminal"] as const;

/** Runs the suite's scenarios, or those of one file, and sums up what their audits have counted. */
export async function measureScenarios(folder: string, ...files: string[]): Promise<Measurement[]> {
  const report = join(folder, "report.json");
  await runSuite([...files, "--project", "opencode", "--reporter=json", `--outputFile=${report}`]);
  const { numFailedTests, testResults } = JSON.parse(readFileSync(report, "utf8")) as TestReport;
  const verdicts = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .flatMap(({ meta }) => meta.verdict ?? []);
  return [
    { name: "scenarios", value: verdicts.length, unit: "scenarios" },
    { name: "failedTests", value: numFailedTests, unit: "tests", goal: 0 },
    ...KINDS.map((name) => ({ name, value: sum(verdicts, name), unit: "", goal: 0 })),
  ];
}

function sum(verdicts: readonly Verdict[], kind: (typeof KINDS)[number]): number {
  return verdicts.reduce((total, verdict) => total + verdict[kind], 0);
}

/** Failures are in its report. */
function runSuite(args: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    execFile("vitest", ["run", ...args], () => resolve());
  });
}
