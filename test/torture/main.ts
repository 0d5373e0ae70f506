// npm run -s torture -- --scenario NAME [--rounds N] [--seconds M] [--rate R] [--signal S] [--mode M]
// [--stock] [--seed S] [--quick] [--json]: does its worst, checks from the outside what became of it, and
// fails unless everything is still there. The last line on stdout is the result.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { churn } from "./churn.ts";
import { clockJump } from "./clock-jump.ts";
import { corruptLog } from "./corrupt-log.ts";
import { drain } from "./drain.ts";
import { fullDisk } from "./full-disk.ts";
import { halfOpen } from "./half-open.ts";
import { handover } from "./handover.ts";
import { hostile } from "./hostile.ts";
import { kill } from "./kill.ts";
import { outage } from "./outage.ts";
import { reconnectStorm } from "./reconnect-storm.ts";
import type { Findings, Scenario } from "./scenario.ts";
import { stalled } from "./stalled.ts";
import { trickle } from "./trickle.ts";
import { twoWriters } from "./two-writers.ts";

const SCENARIOS: Record<string, Scenario> = {
  kill,
  outage,
  "full-disk": fullDisk,
  "corrupt-log": corruptLog,
  "two-writers": twoWriters,
  "clock-jump": clockJump,
  stalled,
  "reconnect-storm": reconnectStorm,
  handover,
  churn,
  trickle,
  "half-open": halfOpen,
  drain,
  hostile,
};

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    rate: { type: "string" },
    signal: { type: "string" },
    mode: { type: "string" },
    stock: { type: "boolean", default: false },
    seed: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const { scenario: name, signal, mode, stock, quick, json } = values;
const scenario = Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined;
if (scenario === undefined) {
  process.stderr.write(`usage: npm run -s torture -- --scenario ${Object.keys(SCENARIOS).join("|")}\n`);
  process.exit(2);
}

const say = (text: string) => void process.stderr.write(`${text}\n`);
const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const [rounds, seconds, rate] = [values.rounds, values.seconds, values.rate].map(number);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
// At once, so that one that throws can be played again.
say(`seed ${seed}`);
const folder = await mkdtemp(join(tmpdir(), "orchestra-torture-"));
const begin = performance.now();
const findings = await scenario({ rounds, seconds, rate, signal, mode, stock, seed, quick, folder, say });
const passed = hold(findings);
for (const example of findings.examples ?? []) say(example);
if (passed) await rm(folder, { recursive: true });
else say(`What was left behind is in ${folder}`);
report(findings);
process.exit(passed ? 0 : 1);

function hold({ zeros, claims = {} }: Findings): boolean {
  return Object.values(zeros).every((count) => count === 0) && Object.values(claims).every(Boolean);
}

function report({ figures, zeros, claims }: Findings): void {
  const tookSeconds = Math.round((performance.now() - begin) / 1_000);
  const result = { scenario: name, seed, passed, ...figures, ...zeros, ...claims, seconds: tookSeconds };
  process.stdout.write(`${JSON.stringify(result, undefined, json ? undefined : 2)}\n`);
}
