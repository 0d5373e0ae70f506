import { defineCommand, UsageError } from "../command.ts";
import type { CliContext } from "../context.ts";
import { examineBridge } from "../doctor-bridge.ts";
import { examineConfiguration } from "../doctor-configuration.ts";
import { examineDataFile } from "../doctor-data-file.ts";
import { type Finding, renderFindings } from "../doctor-finding.ts";
import { examineReceiver } from "../doctor-receiver.ts";
import { painter, write } from "../terminal.ts";

export const doctor = defineCommand({
  name: "doctor",
  summary: "Find out what is wrong: configuration, data file, bridge and receiver",
  usage: "doctor [--json]",
  flags: { json: { type: "boolean", help: "Print what was found as one JSON object" } },
  run: async ({ flags, operands, rest }, context) => {
    const [unexpected] = [...operands, ...(rest ?? [])];
    if (unexpected !== undefined) throw new UsageError(`Unexpected argument '${unexpected}'`);
    const findings = await examine(context);
    const ok = findings.every(({ status }) => status !== "broken");
    const { env, stdout } = context;
    await write(
      stdout,
      flags.json ? `${JSON.stringify({ ok, findings })}\n` : renderFindings(findings, painter(stdout, env)),
    );
    return ok ? 0 : 1;
  },
});

async function examine(context: CliContext): Promise<Finding[]> {
  const { findings, config, exporter } = examineConfiguration(context.env);
  const others = await Promise.all([
    examineDataFile(config.dataFile.file, context),
    examineBridge(context),
    examineReceiver(config, exporter, context.now),
  ]);
  return [...findings, ...others.flat()];
}
