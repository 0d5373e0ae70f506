import { setTimeout as delay } from "node:timers/promises";
import { auditJobs, auditSpans } from "./audit.ts";
import { DAMAGES, TRACELESS } from "./damage.ts";
import { Faults } from "./faults.ts";
import type { FeedReader } from "./feed-reader.ts";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { Stage } from "./stage.ts";
import { jobsOf, readStoredLog, type StoredLog } from "./stored-log.ts";
import type { Worker } from "./worker.ts";

const PATIENCE_MS = 10_000;

/**
 * The file is harmed at random while nobody has it open. Each next process has to come up, to keep aside
 * what it cannot use, to tell readers from before that they must start over, and to lose nothing of its own.
 */
export async function corruptLog(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 8 : 40, rate = 200, seed, folder, say } = options;
  const stage = await Stage.open({ seed, folder, rate });
  const port = await stage.freePort();
  const rig = new CorruptRig(stage, stage.read(port));
  const damages: Record<string, number> = {};
  let damage = "none";
  for (let round = 1; round <= rounds; round++) {
    const worker = stage.worker(`r${round}`, port);
    const events = await rig.round(worker, {
      prefix: `r${round}-`,
      what: `round ${round}, ${damage}`,
      isTraceless: TRACELESS.has(damage),
    });
    // One that leaves in order takes its journal along.
    worker.signal(stage.random.pick(["SIGTERM", "SIGKILL"]));
    await worker.end();
    if (events === undefined) break;
    damage = stage.random.pick(Object.keys(DAMAGES));
    damages[damage] = (damages[damage] ?? 0) + 1;
    DAMAGES[damage]?.(stage.dataFile, stage.random);
    say(`round ${round} of ${rounds}: ${events} events, then ${damage}`);
  }
  const { epochs, faults } = rig;
  await stage.drop();
  return { figures: { rounds, damages, epochs }, zeros: faults.counts, examples: faults.examples };
}

interface Round {
  /** Of its jobs. */
  prefix: string;
  what: string;
  /** Whether the damage before may have left nothing that could be told of. */
  isTraceless: boolean;
}

class CorruptRig {
  readonly faults = new Faults(
    "startFailures",
    "deadFeeds",
    "missingResyncs",
    "untoldEpochs",
    "notExactlyOneTerminal",
    "spansLost",
    "spanIdMismatch",
    "seenEventsLost",
    "sseHoles",
    "sseDoubles",
  );
  /** Files that were begun anew. */
  epochs = 0;
  readonly #stage: Stage;
  readonly #reader: FeedReader;
  #epoch: string | undefined;

  constructor(stage: Stage, reader: FeedReader) {
    this.#stage = stage;
    this.#reader = reader;
  }

  /** Returns how many events there are, or nothing when the worker did not come up. */
  async round(worker: Worker, round: Round): Promise<number | undefined> {
    const { faults } = this;
    const reader = this.#reader;
    const [seen, resyncs] = [reader.events.length, reader.resyncs.length];
    if (!(await worker.isReady())) {
      faults.add("startFailures", `${round.what}: ${worker.errors}`);
      return undefined;
    }
    const isAlive = () => reader.createdJobs.has(`${round.prefix}1`);
    if (!(await eventually(isAlive, PATIENCE_MS))) faults.add("deadFeeds", round.what);
    await delay(this.#stage.random.between(200, 1_500));
    await worker.ask({ kind: "finish" }, "finished");
    const log = readStoredLog(this.#stage.dataFile);
    const isUpToDate = () => reader.position === log.events.at(-1)?.cursor;
    if (!(await eventually(isUpToDate, PATIENCE_MS))) faults.add("deadFeeds", `${round.what}: stays behind`);
    this.#checkEpoch(log, worker, { ...round, hasResync: reader.resyncs.length > resyncs });
    this.#checkFeed(log, Math.max(seen, reader.resyncs.at(-1)?.at ?? 0), round);
    await this.#checkJobs(log, round);
    return log.events.length;
  }

  #checkEpoch({ epoch }: StoredLog, { warnings }: Worker, round: Round & { hasResync: boolean }): void {
    const { what, isTraceless, hasResync } = round;
    if (this.#epoch !== undefined && this.#epoch !== epoch) {
      this.epochs++;
      if (!hasResync) this.faults.add("missingResyncs", what);
      const isTold =
        isTraceless || isAlmost(this.#epoch, epoch) || warnings.some((text) => text.includes("is corrupt"));
      if (!isTold) this.faults.add("untoldEpochs", what);
    }
    this.#epoch = epoch;
  }

  /** What was shown since the last time that the reader was told to start over. */
  #checkFeed({ events }: StoredLog, from: number, { prefix, what }: Round): void {
    const seen = this.#reader.events.slice(from);
    const held = new Map(events.map(({ cursor, digest }) => [cursor, digest]));
    for (const { cursor, digest } of seen) {
      if (held.get(cursor) !== digest) this.faults.add("seenEventsLost", `${what}: ${cursor}`);
    }
    const cursors = new Set(seen.map(({ cursor }) => cursor));
    if (cursors.size < seen.length) this.faults.add("sseDoubles", what);
    for (const { cursor, event } of events) {
      const isOurs = "jobId" in event.data && String(event.data.jobId).startsWith(prefix);
      if (isOurs && !cursors.has(cursor)) this.faults.add("sseHoles", `${what}: ${cursor}`);
    }
  }

  async #checkJobs(log: StoredLog, { prefix, what }: Round): Promise<void> {
    const jobs = new Map([...jobsOf(log)].filter(([jobId]) => jobId.startsWith(prefix)));
    const created = [...this.#reader.createdJobs].filter((jobId) => jobId.startsWith(prefix));
    const spans = async () => (await this.#stage.spans()).filter(({ jobId }) => jobId?.startsWith(prefix));
    await eventually(async () => auditSpans(jobs, await spans()).counts.spansLost === 0, PATIENCE_MS);
    const { notExactlyOneTerminal } = auditJobs(jobs, created).counts;
    const { spansLost, spanIdMismatch } = auditSpans(jobs, await spans()).counts;
    for (const [kind, count] of Object.entries({ notExactlyOneTerminal, spansLost, spanIdMismatch })) {
      for (let index = 0; index < count; index++) this.faults.add(kind as "spansLost", what);
    }
  }
}

/** Whether an epoch is another one with a letter or two changed: then the damage hit the epoch itself, in silence. */
function isAlmost(former: string, epoch: string): boolean {
  const changed = [...former].filter((letter, index) => epoch[index] !== letter);
  return former.length === epoch.length && changed.length <= 2;
}
