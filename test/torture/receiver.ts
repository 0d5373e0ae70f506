import { Child } from "./child.ts";

/** `hang` takes requests and never answers, `refuse` takes no connections, `429` comes with Retry-After. */
export type ReceiverMode = "ok" | "refuse" | "503" | "hang" | "429";

/** A span that was accepted, and how often. */
export interface StoredSpan {
  traceId: string;
  spanId: string;
  name: string;
  jobId: string | undefined;
  workerId: string | undefined;
  result: string | undefined;
  isReconstructed: boolean;
  durationMs: number;
  copies: number;
  /** How many different contents came under its id. */
  contents: number;
}

export type ReceiverRequest = { kind: "behave"; mode: ReceiverMode } | { kind: "query"; sender: string };
export type ReceiverReply =
  | { kind: "listening"; url: string }
  | { kind: "behaving" }
  | { kind: "spans"; spans: StoredSpan[] };

/** The other end of the wire for spans, which is not in the process that sends them. */
export class Receiver {
  readonly #child: Child<ReceiverRequest, ReceiverReply>;
  readonly #base: string;

  private constructor(child: Child<ReceiverRequest, ReceiverReply>, base: string) {
    this.#child = child;
    this.#base = base;
  }

  static async start(): Promise<Receiver> {
    const child = new Child<ReceiverRequest, ReceiverReply>("receiver-process.ts", {});
    const { url } = await child.reply("listening");
    return new Receiver(child, url);
  }

  /** Where a sender posts its spans. */
  url(sender: string): string {
    return `${this.#base}/${sender}/v1/traces`;
  }

  async behave(mode: ReceiverMode): Promise<void> {
    await this.#child.ask({ kind: "behave", mode }, "behaving");
  }

  /** Each span that came from a sender. */
  async spans(sender: string): Promise<StoredSpan[]> {
    return (await this.#child.ask({ kind: "query", sender }, "spans")).spans;
  }

  async stop(): Promise<void> {
    await this.#child.kill();
  }
}
