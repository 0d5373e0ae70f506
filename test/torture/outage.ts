import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { duplicatesAmong } from "./audit.ts";
import { eventually } from "./patience.ts";
import { Receiver, type ReceiverMode } from "./receiver.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { Sender, type SenderTask } from "./sender.ts";

const MODES: readonly ReceiverMode[] = ["refuse", "503", "hang", "429"];
const MAX_GROWTH_MIB = 64;
/** The longest pause between two attempts, and some time to send all. */
const DRAIN_MS = 60_000;

/** Makes spans while their receiver is down, and counts what has come when it is back. */
export async function outage(options: ScenarioOptions): Promise<Findings> {
  const { quick, seconds = quick ? 12 : 120, rate = 50, stock, folder, say } = options;
  const warmUpSeconds = quick ? 3 : 15;
  const receiver = await Receiver.start();
  const kinds: SenderTask["kind"][] = stock ? ["ours", "stock"] : ["ours"];
  const senders = kinds.map((kind) => {
    const dataFile = join(folder, `${kind}.db`);
    return { kind, sender: new Sender({ kind, dataFile, tracesUrl: receiver.url(kind), rate }) };
  });
  await Promise.all(senders.map(({ sender }) => sender.reply("ready")));
  await delay(warmUpSeconds * 1_000);
  for (const { sender } of senders) sender.measure();
  const modes = options.mode === undefined ? MODES : [options.mode as ReceiverMode];
  for (const mode of modes) {
    say(`receiver: ${mode} for ${seconds / modes.length} s`);
    await receiver.behave(mode);
    await delay((seconds * 1_000) / modes.length);
  }
  await receiver.behave("ok");
  say("receiver: ok");
  const results = await Promise.all(senders.map(({ kind, sender }) => outcomeOf(kind, sender, receiver)));
  for (const { sender } of senders) await sender.kill();
  await receiver.stop();
  const [ours, stocks] = results as [Outcome, Outcome | undefined];
  const { lost, ...figures } = ours;
  return {
    figures: { downSeconds: seconds, rate, modes, ...figures, stock: stocks },
    zeros: { lost },
    claims: { staysSmall: ours.maxRssGrowthMB <= MAX_GROWTH_MIB },
  };
}

interface Outcome {
  made: number;
  received: number;
  lost: number;
  duplicates: number;
  maxRssGrowthMB: number;
  /** From the receiver's return until all was there, or until we gave up. */
  drainSeconds: number;
}

async function outcomeOf(kind: SenderTask["kind"], sender: Sender, receiver: Receiver): Promise<Outcome> {
  const begin = performance.now();
  const { made } = await sender.ask({ kind: "stop" }, "stopped");
  const isThere = async () => (await receiver.spans(kind)).length === made;
  // The stock processor has nothing left after five seconds and one failed batch.
  await eventually(isThere, kind === "ours" ? DRAIN_MS : DRAIN_MS / 2);
  const spans = await receiver.spans(kind);
  return {
    made,
    received: spans.length,
    lost: made - spans.length,
    duplicates: duplicatesAmong(spans),
    maxRssGrowthMB: sender.growthMiB,
    drainSeconds: Math.round((performance.now() - begin) / 1_000),
  };
}
