// An OTLP/HTTP receiver in a process of its own, which keeps what it got and answers for it.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { decodeTraceRequest, type ReceivedSpan } from "../fixtures/otlp-trace-decoder.ts";
import type { ReceiverMode, ReceiverReply, ReceiverRequest, StoredSpan } from "./receiver.ts";

type Entry = StoredSpan & { digests: Set<string> };

const RETRY_AFTER_SECONDS = "2";
/** By sender, which is the first part of the path, and span id. */
const senders = new Map<string, Map<string, Entry>>();
let mode: ReceiverMode = "ok";
let server: Server | undefined;

const reply = (message: ReceiverReply) => process.send?.(message);

async function listen(port: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server = createServer((request, response) => void receive(request, response));
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  return (server.address() as AddressInfo).port;
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const contentType = String(request.headers["content-type"]);
  const body = await buffer(request);
  if (mode === "hang") return;
  if (mode === "ok") {
    keep(String(request.url).split("/")[1] as string, decodeTraceRequest(contentType, body));
    response.writeHead(200, { "content-type": contentType }).end(contentType.includes("json") ? "{}" : "");
  } else {
    response.writeHead(Number(mode), { "retry-after": RETRY_AFTER_SECONDS }).end();
  }
}

function keep(sender: string, spans: readonly ReceivedSpan[]): void {
  const held = senders.get(sender) ?? new Map<string, Entry>();
  senders.set(sender, held);
  for (const span of spans) {
    const entry = held.get(span.spanId) ?? entryOf(span);
    held.set(span.spanId, entry);
    entry.copies++;
    entry.digests.add(digestOf(span));
    entry.contents = entry.digests.size;
  }
}

function entryOf({ traceId, spanId, name, attributes, startTime, endTime }: ReceivedSpan): Entry {
  return {
    traceId,
    spanId,
    name,
    jobId: attributes["orchestra.job.id"] as string | undefined,
    workerId: attributes["orchestra.worker.id"] as string | undefined,
    result: attributes["orchestra.job.result"] as string | undefined,
    isReconstructed: attributes["orchestra.job.reconstructed"] === true,
    durationMs: Number(endTime - startTime) / 1e6,
    copies: 0,
    contents: 0,
    digests: new Set(),
  };
}

function digestOf(span: ReceivedSpan): string {
  const text = JSON.stringify(span, (_, value) => (typeof value === "bigint" ? String(value) : value));
  return createHash("sha1").update(text).digest("base64");
}

async function behave(next: ReceiverMode): Promise<void> {
  mode = next;
  if (next === "refuse") {
    server?.close();
    server?.closeAllConnections();
    server = undefined;
  } else if (server === undefined) {
    await listen(port);
  }
}

const requests = {
  behave: async ({ mode }: Extract<ReceiverRequest, { kind: "behave" }>) => {
    await behave(mode);
    reply({ kind: "behaving" });
  },
  query: async ({ sender }: Extract<ReceiverRequest, { kind: "query" }>) => {
    const spans = [...(senders.get(sender)?.values() ?? [])].map(({ digests: _, ...span }) => span);
    reply({ kind: "spans", spans });
  },
};

process.on("message", (request: ReceiverRequest) => void requests[request.kind](request as never));
process.on("disconnect", () => process.exit(0));

const port = await listen(0);
reply({ kind: "listening", url: `http://127.0.0.1:${port}` });
