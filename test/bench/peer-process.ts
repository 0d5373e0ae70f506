import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createParser } from "eventsource-parser";
import { decodeTraceRequest } from "../fixtures/otlp-trace-decoder.ts";
import type { Counter, PeerReply, PeerRequest } from "./peer.ts";

const counts = new Map<string, number>();
let waiting: { key: string; atLeast: number; id: number }[] = [];

const send = (reply: PeerReply) => process.send?.(reply);
const keyOf = (stack: string, counter: Counter) => `${stack} ${counter}`;

function count(stack: string, counter: Counter, amount: number): void {
  const key = keyOf(stack, counter);
  counts.set(key, (counts.get(key) ?? 0) + amount);
  answer();
}

function answer(): void {
  waiting = waiting.filter(({ key, atLeast, id }) => {
    const reached = (counts.get(key) ?? 0) >= atLeast;
    if (reached) send({ kind: "reached", id });
    return !reached;
  });
}

async function receiveSpans(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const contentType = String(request.headers["content-type"]);
  const spans = decodeTraceRequest(contentType, Buffer.concat(chunks));
  response.setHeader("content-type", contentType).end(contentType === "application/json" ? "{}" : "");
  count(request.url?.split("/")[1] ?? "", "spans", spans.length);
}

function subscribe(stack: string, url: string): void {
  const parser = createParser({ onEvent: () => count(stack, "frames", 1) });
  get(url, (response) => {
    send({ kind: "subscribed", stack });
    response.setEncoding("utf8").on("data", (text: string) => parser.feed(text));
  });
}

process.on("message", (request: PeerRequest) => {
  if (request.kind === "subscribe") {
    subscribe(request.stack, request.url);
  } else {
    const { id, stack, counter, atLeast } = request;
    waiting.push({ id, key: keyOf(stack, counter), atLeast });
    answer();
  }
});
process.on("disconnect", () => process.exit(0));

const server = createServer(receiveSpans).listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  send({ kind: "listening", url: `http://127.0.0.1:${port}` });
});
