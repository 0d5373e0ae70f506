import { connect } from "node:net";
import { type HostileAnswer, HostileAnswers } from "./hostile-answers.ts";
import type { HostileRequest } from "./hostile-requests.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What comes last on a connection. */
export type Ending = "plain" | "feed" | "last" | "malformed";

export interface Exchange {
  answers: readonly HostileAnswer[];
  /** Whether so long nothing came that nothing will. */
  hung: boolean;
  /** Whether it was closed before each request had its answer, and no answer said so. */
  brokenOff: boolean;
  fault: string | undefined;
  /** What came of a feed. */
  stream: Buffer;
}

export interface ExchangeOptions {
  port: number;
  /** Pipelined. Each but the last is good HTTP. */
  requests: readonly HostileRequest[];
  ending: Ending;
  random: SeededRandom;
}

/** Milliseconds in which nothing happens. The machine may be busy with other things. */
const SILENCE_MS = 20_000;

/** Sends requests over one connection, and reads until it is over. */
export async function exchange({ port, requests, ending, random }: ExchangeOptions): Promise<Exchange> {
  const reader = new HostileAnswers(requests.map(({ method }) => method));
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.setTimeout(SILENCE_MS, () => resolve(true));
  // A server that has refused may reset what is still sent.
  socket.on("error", () => {}).once("close", () => resolve(false));
  const begin = ending === "malformed" ? requests.slice(0, -1) : requests;
  const rest = requests.slice(begin.length);
  const send = (some: readonly HostileRequest[]) => {
    for (const part of inParts(Buffer.concat(some.map(({ bytes }) => bytes)), random)) socket.write(part);
  };
  // What is malformed ends the connection, so the answers to what came before must be there.
  const sendRest = () => {
    send(rest.splice(0));
    socket.end();
  };
  socket.on("data", (chunk) => {
    reader.feed(chunk);
    const isAnswered = reader.answers.length >= begin.length;
    if (reader.fault !== undefined || isOver(reader, begin.length, ending)) socket.destroy();
    else if (rest.length > 0 && isAnswered) sendRest();
  });
  send(begin);
  if (begin.length === 0) sendRest();
  const hung = await promise;
  socket.destroy();
  const { answers, fault, left } = reader;
  const brokenOff = answers.length < begin.length && !answers.at(-1)?.isLast;
  return { answers, hung, fault, stream: left, brokenOff };
}

function isOver({ answers, left }: HostileAnswers, requests: number, ending: Ending): boolean {
  const last = answers.at(-1);
  // One frame shows how it begins.
  if (last?.isFeed) return left.includes("\n\n");
  return ending !== "malformed" && answers.length === requests && !last?.isLast;
}

/** Cut where it happens to be. */
function inParts(bytes: Buffer, random: SeededRandom): Buffer[] {
  if (random.chance(0.7)) return [bytes];
  const at = random.between(0, bytes.length);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}
