import type { EventSourceMessage } from "eventsource-parser";
import { LATER_EVENT, RESYNC_EVENT } from "../../exporters/sse-frame.ts";
import { type OrchestratorEvent, parseOrchestratorEvent } from "../event/event.ts";
import type { CliContext } from "./context.ts";
import type { FeedConnection } from "./event-feed.ts";
import { eventLine } from "./event-line.ts";
import { JobBars } from "./job-bars.ts";
import { LiveScreen } from "./live-screen.ts";
import { type Paint, painter, plainText, write } from "./terminal.ts";

/** So that the time of silent jobs goes on, in milliseconds. */
const TICK_MS = 1_000;

/** Prints a feed: JSON, lines, or on a terminal lines above the bars of running jobs. */
export class FeedPrinter {
  readonly #context: CliContext;
  readonly #json: boolean;
  readonly #paint: Paint;
  readonly #bars = new JobBars();
  readonly #screen: LiveScreen | undefined;
  readonly #tick: NodeJS.Timeout | undefined;
  #isLost = false;

  constructor(context: CliContext, { json }: { json: boolean }) {
    const { stdout, env, now } = context;
    this.#context = context;
    this.#json = json;
    this.#paint = painter(stdout, env);
    if (json || !stdout.isTTY) return;
    const screen = new LiveScreen(stdout, (columns) => this.#bars.render(columns, now(), this.#paint));
    this.#screen = screen;
    this.#tick = setInterval(() => screen.refresh(), TICK_MS);
  }

  /** Rejects when nobody reads any more. */
  message({ event: name, data }: EventSourceMessage): Promise<void> {
    if (name === RESYNC_EVENT) {
      this.#bars.clear();
      return this.note(resyncText(data));
    }
    if (name === LATER_EVENT)
      return this.note("the bridge has no room for this feed now; trying again later");
    if (this.#json) return this.#jsonLine(data);
    const event = readEvent(data);
    if (event === undefined) return this.note(plainText(name ?? "message"));
    if (this.#screen === undefined) return this.#line(eventLine(event, this.#paint));
    this.#bars.apply(event);
    if (event.type !== "orchestra.job.progress") return this.#line(eventLine(event, this.#paint));
    this.#screen.refresh();
    return Promise.resolve();
  }

  /** Told once per change, as a bridge may be away for long. */
  connection({ url, lost }: FeedConnection): void {
    if ((lost !== undefined) === this.#isLost) return;
    this.#isLost = lost !== undefined;
    const text = lost === undefined ? `connected to ${url}` : `${url}: ${lost}; trying again until Ctrl-C`;
    // That nobody reads any more is noticed by the next event.
    this.note(plainText(text)).catch(() => {});
  }

  /** Not an event: on stdout it would be in the way of programs. */
  note(text: string): Promise<void> {
    const line = `· ${text}`;
    return this.#screen?.print(this.#paint("dim", line)) ?? write(this.#context.stderr, `${line}\n`);
  }

  /** Leaves the terminal as it was found. */
  async close(): Promise<void> {
    clearInterval(this.#tick);
    await this.#screen?.close();
  }

  #line(line: string): Promise<void> {
    return this.#screen?.print(line) ?? write(this.#context.stdout, `${line}\n`);
  }

  #jsonLine(data: string): Promise<void> {
    return isJson(data) ? this.#line(safeJson(data)) : this.note("not JSON, left out");
  }
}

/** What a bridge says when it cannot go on where the reader left off. */
export function resyncOf(data: string): { reason?: unknown; requested?: unknown } {
  return isJson(data) ? (JSON.parse(data) ?? {}) : {};
}

function resyncText(data: string): string {
  return `events may be missing here: the bridge cannot go on where this feed was (${plainText(String(resyncOf(data).reason))})`;
}

function readEvent(data: string): OrchestratorEvent | undefined {
  try {
    return parseOrchestratorEvent(JSON.parse(data));
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The same JSON on one line, without the control characters that JSON allows and terminals obey. */
function safeJson(json: string): string {
  return json
    .replace(/[\r\n]/g, " ")
    .replace(/[\x7f-\x9f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
