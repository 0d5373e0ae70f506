// npm run -s bench -- NAME [--json] [--quick]: measures, prints one line per number, and never fails
// because of one.

import { parseArgs } from "node:util";
import { benchDurableLog } from "./durable-log/bench.ts";
import { benchJobEvent } from "./job-event/bench.ts";
import { benchOpencode } from "./opencode/bench.ts";
import { benchOutbox } from "./outbox/bench.ts";
import { benchPanel } from "./panel/bench.ts";
import { reportLine } from "./report.ts";
import { benchSse } from "./sse/bench.ts";

const BENCHES = {
  "job-event": benchJobEvent,
  "durable-log": benchDurableLog,
  opencode: benchOpencode,
  outbox: benchOutbox,
  panel: benchPanel,
  sse: benchSse,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});
const [name = ""] = positionals;

if (!Object.hasOwn(BENCHES, name)) {
  process.stderr.write(`usage: npm run -s bench -- ${Object.keys(BENCHES).join("|")} [--json] [--quick]\n`);
  process.exit(2);
}

for (const measurement of await BENCHES[name as keyof typeof BENCHES]({ quick: values.quick })) {
  process.stdout.write(`${reportLine(name, measurement, values.json)}\n`);
}
