import { join } from "node:path";
import { auditFeeds, auditJobs, auditSpans, duplicatesAmong, wantedBy } from "./audit.ts";
import { FeedReader, type FeedReaderOptions } from "./feed-reader.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./patience.ts";
import { Receiver, type StoredSpan } from "./receiver.ts";
import { SeededRandom } from "./seeded-random.ts";
import { jobsOf, readStoredLog, type StoredLog } from "./stored-log.ts";
import { Worker } from "./worker.ts";

const SENDER = "worker";
const PATIENCE_MS = 30_000;

export interface StageOptions {
  seed: number;
  /** Where the data file lies. */
  folder: string;
  /** Events a second, of each worker. */
  rate: number;
}

/** What workers run on: one data file, a receiver of their spans, and the readers of their feeds. */
export class Stage {
  readonly random: SeededRandom;
  readonly dataFile: string;
  readonly readers: FeedReader[] = [];
  readonly #receiver: Receiver;
  readonly #rate: number;

  private constructor(receiver: Receiver, { seed, folder, rate }: StageOptions) {
    this.random = new SeededRandom(seed);
    this.dataFile = join(folder, "orchestra.db");
    this.#receiver = receiver;
    this.#rate = rate;
  }

  static async open(options: StageOptions): Promise<Stage> {
    return new Stage(await Receiver.start(), options);
  }

  freePort(): Promise<number> {
    return freePort(this.random);
  }

  worker(prefix: string, port: number, execArgv?: string[]): Worker {
    const { dataFile, random } = this;
    const seed = random.between(1, 1e9);
    const tracesUrl = this.#receiver.url(SENDER);
    return new Worker({ dataFile, tracesUrl, port, rate: this.#rate, prefix, seed }, execArgv);
  }

  /** Someone who follows the bridge at `port`, whoever stands behind it. */
  read(port: number, options: Omit<FeedReaderOptions, "url"> = {}): FeedReader {
    const reader = new FeedReader({ ...options, url: `http://127.0.0.1:${port}` });
    this.readers.push(reader);
    return reader;
  }

  /** Lets workers end their jobs, and gives spans and readers the time to arrive. */
  async settle(...workers: readonly Worker[]): Promise<void> {
    for (const worker of workers) await worker.ask({ kind: "finish" }, "finished");
    const log = readStoredLog(this.dataFile);
    await eventually(async () => (await this.#hasSpansOf(log)) && this.#haveRead(log), PATIENCE_MS);
  }

  /** Each span that workers have sent. */
  spans(): Promise<StoredSpan[]> {
    return this.#receiver.spans(SENDER);
  }

  /** Ends readers and receiver. */
  async drop(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.stop()));
    await this.#receiver.stop();
  }

  /** Ends everybody, and looks what the log, the readers and the receiver have. */
  async close(...workers: readonly Worker[]) {
    for (const worker of workers) worker.signal("SIGTERM");
    await Promise.all(workers.map((worker) => worker.end()));
    const log = readStoredLog(this.dataFile);
    const spans = await this.spans();
    await this.drop();
    return { log, ...this.#audit(log, spans) };
  }

  #audit(log: StoredLog, spans: readonly StoredSpan[]) {
    const { readers } = this;
    const jobs = jobsOf(log);
    const seen = readers.flatMap(({ createdJobs }) => [...createdJobs]);
    const [stories, sent, feeds] = [auditJobs(jobs, seen), auditSpans(jobs, spans), auditFeeds(log, readers)];
    const resyncs = readers.reduce((sum, reader) => sum + reader.resyncs.length, 0);
    return {
      figures: {
        events: log.events.length,
        jobs: jobs.size,
        interrupted: interruptedIn(log),
        spans: spans.length,
        reconstructed: spans.filter(({ isReconstructed }) => isReconstructed).length,
        duplicates: duplicatesAmong(spans),
        readers: readers.map(({ events, connections }) => ({ events: events.length, connections })),
      },
      zeros: { ...stories.counts, ...sent.counts, ...feeds.counts, resyncs },
      examples: [...stories.examples, ...sent.examples, ...feeds.examples],
    };
  }

  async #hasSpansOf(log: StoredLog): Promise<boolean> {
    const ids = new Set((await this.spans()).map(({ spanId }) => spanId));
    return [...jobsOf(log).values()].every(([first]) => ids.has(String(first?.traceparent).slice(36, 52)));
  }

  #haveRead(log: StoredLog): boolean {
    return this.readers.every((reader) => wantedBy(reader, log).at(-1)?.cursor === reader.position);
  }
}

/** Jobs that somebody else has ended, as their process was gone. */
export function interruptedIn({ events }: StoredLog): number {
  return events.filter(({ event: { data } }) => "errorType" in data && data.errorType === "interrupted")
    .length;
}
