import { spawn } from "node:child_process";
import { once } from "node:events";
import { EventSource } from "eventsource";
import { afterEach, describe, expect, it } from "vitest";
import type { EventRecord } from "../../src/event/event-log.ts";
import { startTestBridge, type TestBridge } from "../fixtures/bridge.ts";
import { HOSTILE_TEXT } from "../fixtures/hostile-events.ts";
import { errorEvent } from "../fixtures/sse-feed.ts";
import { openFeed } from "../fixtures/sse-reader.ts";

const TYPE = "orchestra.error";
const LAST = "the last one";

/** What a log of somebody else's may hand to the feed as the JSON of an event. */
const TEXTS: Record<string, string> = {
  nothing: "",
  "a space": " ",
  "leading and trailing spaces": "  x  ",
  "a colon first": ": no comment",
  LF: "a\nb",
  CR: "a\rb",
  CRLF: "a\r\nb",
  "LF CR": "a\n\rb",
  "only breaks": "\n\r\n\r",
  "a break at both ends": "\nx\n",
  "an empty line within": "a\n\nb",
  "a forged frame": "x\n\nid: e-999\nevent: pwned\ndata: y\n\n",
  "forged fields": "id: e-999\rretry: 1\revent: pwned",
  NUL: "a\u0000b",
  "a BOM first": "\ufeffx",
  "a BOM after a break": "x\n\ufeffdata: y",
  "line and paragraph separators": "a\u2028b\u2029c",
  "next line, vertical tab, form feed": "a\u0085b\u000bc\u000cd",
  "several lines of JSON": JSON.stringify({ a: [1, { b: "c" }] }, undefined, 2),
  "all planes": "é ж 漢 🙂 👩‍👩‍👧",
  "half of a pair": "a\ud800b",
  "a long line": "x".repeat(1024 * 1024),
  "a long line of three bytes each": "漢".repeat(300_000),
  "many lines": "line\n".repeat(20_000),
  "what breaks lines, frames, C strings and UTF-8": HOSTILE_TEXT,
  [LAST]: "{}",
};

/** As any client sees it: breaks become LF, and what is no Unicode becomes the character that says so. */
const EXPECTED = Object.values(TEXTS).map((text) => text.replace(/\r\n|\r/g, "\n").toWellFormed());
const CURSORS = EXPECTED.map((_, index) => `e-${index + 1}`);

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(): Promise<TestBridge> {
  const test = await startTestBridge();
  closing.push(() => test.close());
  return test;
}

/** Each in a turn of its own, so that it leaves in a write of its own. */
async function publishAll({ log, hub }: TestBridge): Promise<void> {
  for (const json of Object.values(TEXTS)) {
    const unplaced = { ...errorEvent("x"), json };
    const [cursor] = (await log.append([unplaced])) as string[];
    hub.onEvent({ ...unplaced, cursor } as EventRecord);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Seen {
  ids: string[];
  texts: string[];
}

/** Reads a feed until the last text is there. */
type Reader = (url: string, opened: () => void) => Promise<Seen>;

/** The frames of a stream by nothing but its blank lines, and their fields by nothing but their colons. */
function split(stream: string): Seen {
  const frames = stream.split("\n\n").map((frame) => frame.split("\n"));
  const valuesOf = (frame: string[], field: string) =>
    frame.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));
  const events = frames.filter((frame) => frame.includes(`event: ${TYPE}`));
  return {
    ids: events.flatMap((frame) => valuesOf(frame, "id")),
    texts: events.map((frame) => valuesOf(frame, "data").join("\n")),
  };
}

const READERS: Record<string, Reader> = {
  "eventsource-parser": async (url, opened) => {
    const reader = await openFeed(url);
    closing.push(() => reader.close());
    opened();
    const own = () => reader.events.filter(({ event }) => event === TYPE);
    await reader.until(() => own().length >= EXPECTED.length);
    return { ids: own().map(({ id }) => id as string), texts: own().map(({ data }) => data) };
  },
  eventsource: async (url, opened) => {
    const source = new EventSource(url);
    closing.push(() => source.close());
    const seen: Seen = { ids: [], texts: [] };
    source.addEventListener("open", opened);
    await new Promise<void>((resolve) => {
      source.addEventListener(TYPE, ({ lastEventId, data }) => {
        seen.ids.push(lastEventId);
        if (seen.texts.push(data) === EXPECTED.length) resolve();
      });
    });
    return seen;
  },
  curl: async (url, opened) => {
    const curl = spawn("curl", ["--silent", "--no-buffer", url], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(curl, "exit");
    closing.push(() => exited);
    closing.push(() => void curl.kill());
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let stream = "";
    for await (const chunk of curl.stdout as AsyncIterable<Buffer>) {
      stream += decoder.decode(chunk, { stream: true });
      opened();
      if (stream.includes(`data: ${TEXTS[LAST]}\n\n`)) break;
    }
    return split(stream);
  },
};

describe.each(Object.entries(READERS))("what %s makes of the feed", (_, read) => {
  it("is what was published, when it is shown as it comes", async () => {
    const test = await start();
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    const seen = read(`${test.url}/v1/events`, resolve);
    await opened;
    await publishAll(test);
    expect(await seen).toEqual({ ids: CURSORS, texts: EXPECTED });
  });

  it("is what was published, when it is replayed", async () => {
    const test = await start();
    await publishAll(test);
    const seen = await read(`${test.url}/v1/events?after=oldest`, () => {});
    expect(seen).toEqual({ ids: CURSORS, texts: EXPECTED });
  });
});
