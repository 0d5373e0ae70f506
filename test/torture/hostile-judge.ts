import { ERROR_CODES } from "../../src/errors.ts";
import { Faults } from "./faults.ts";
import type { HostileAnswer } from "./hostile-answers.ts";
import type { Ending, Exchange } from "./hostile-connection.ts";
import type { StreamOutcome } from "./hostile-http2.ts";
import type { HostileRequest } from "./hostile-requests.ts";

/** Tells whether a server did what it must, whatever was asked of it. */
export class HostileJudge {
  readonly faults = new Faults(
    "serverErrors",
    "forgedFrames",
    "missedFrames",
    "hangs",
    "brokenOff",
    "unreadableAnswers",
    "tokensShown",
    "lostEvents",
  );
  readonly statuses = new Map<number, number>();
  /** Events that answers said were taken. */
  accepted = 0;
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  /** Returns which requests had nothing of what they carry taken. */
  judge(outcome: Exchange, requests: readonly HostileRequest[], ending: Ending): number[] {
    const { answers, hung, brokenOff, fault, stream } = outcome;
    const story = () => `${ending}: ${shown(requests[answers.length])}`;
    if (hung) this.faults.add("hangs", story());
    else if (brokenOff) this.faults.add("brokenOff", story());
    if (fault !== undefined) this.faults.add("unreadableAnswers", `${fault} ${story()}`);
    if (stream.includes(this.#token)) this.faults.add("tokensShown", story());
    const refused: number[] = [];
    for (const [index, answer] of answers.entries()) {
      const request = requests[index];
      this.#check(answer, request);
      if (request?.body === undefined) continue;
      if (answer.status === 202) this.accepted += Number(JSON.parse(answer.body.toString()).accepted ?? 0);
      else refused.push(index);
    }
    return refused;
  }

  /** Returns whether nothing of what the stream carries was taken. */
  judgeStream({ status, body, sent, hung }: StreamOutcome): boolean {
    this.#look(status, Buffer.from(body), () => `HTTP/2: ${sent?.toString().slice(0, 600)}`);
    if (hung) this.faults.add("hangs", `HTTP/2: ${sent?.toString().slice(0, 600)}`);
    // What was reset may have been taken or not.
    if (status === 202 && sent && body !== "") this.accepted += Number(JSON.parse(body).accepted);
    return status >= 400;
  }

  #check({ status, body }: HostileAnswer, request: HostileRequest | undefined): void {
    this.#look(status, body, () => shown(request));
  }

  #look(status: number, body: Buffer, asked: () => string): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const story = () => `${status} ${body.toString().slice(0, 300)} to ${asked()}`;
    if (status >= 500) this.faults.add("serverErrors", story());
    if (body.includes(this.#token)) this.faults.add("tokensShown", story());
    if (!isReadable(status, body)) this.faults.add("unreadableAnswers", story());
  }
}

function isReadable(status: number, body: Buffer): boolean {
  if (status < 400 || body.length === 0) return true;
  const { error } = JSON.parse(body.toString()) as { error?: { code?: string } };
  return Object.hasOwn(ERROR_CODES, error?.code ?? "");
}

function shown(request: HostileRequest | undefined): string {
  return JSON.stringify(request?.bytes.toString("latin1").slice(0, 600));
}
