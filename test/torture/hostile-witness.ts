import { isDeepStrictEqual } from "node:util";
import type { EventSourceMessage } from "eventsource-parser";
import { EVENT_TYPES } from "../../src/event/event.ts";
import type { Faults } from "./faults.ts";
import { FeedFollower } from "./feed-follower.ts";

type Json = Record<string, unknown>;

const CURSOR = /^[A-Za-z0-9._]{1,40}-([0-9]{1,15})$/;
const RESYNC = "orchestra.stream.resync";

/** Follows the feed all the time, and believes no frame that it has no grounds for. */
export class HostileWitness {
  readonly #faults: Faults<"forgedFrames" | "missedFrames">;
  /** What was sent under each id, and may have been taken. */
  readonly #sent = new Map<string, Json[]>();
  readonly #follower: FeedFollower;
  #lastNumber = 0;
  /** Frames that told of what was posted. */
  posted = 0;

  constructor(url: string, faults: Faults<"forgedFrames" | "missedFrames">) {
    this.#faults = faults;
    this.#follower = new FeedFollower({
      url,
      isStrict: true,
      onEvent: (message) => this.#take(message),
      onError: (error) => faults.add("forgedFrames", error.message),
    });
  }

  /**
   * Tells it what a request carries, before that is sent.
   * @returns tells it that nothing of that was taken
   */
  expect(body: Buffer): () => void {
    const events = eventsIn(body);
    for (const event of events) {
      const id = event.id as string;
      this.#sent.set(id, [...(this.#sent.get(id) ?? []), event]);
    }
    return () => {
      for (const event of events) this.#forget(event);
    };
  }

  #forget(event: Json): void {
    const id = event.id as string;
    const others = this.#sent.get(id)?.filter((other) => other !== event) ?? [];
    if (others.length === 0) this.#sent.delete(id);
    else this.#sent.set(id, others);
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
  }

  #take(message: EventSourceMessage): void {
    if (message.event === RESYNC) {
      this.#faults.add("missedFrames", message.data);
      return;
    }
    const reason = this.#objectionTo(message);
    if (reason !== undefined)
      this.#faults.add("forgedFrames", `${reason}: ${JSON.stringify(message).slice(0, 500)}`);
  }

  #objectionTo({ id, event: type, data }: EventSourceMessage): string | undefined {
    const number = Number(CURSOR.exec(id ?? "")?.[1]);
    if (!(number > this.#lastNumber)) return `not a cursor after ${this.#lastNumber}`;
    this.#lastNumber = number;
    const event = JSON.parse(data) as Json;
    if (event.type !== type || !EVENT_TYPES.includes(type as never)) return "not an event of its name";
    if (String(event.id).startsWith("smuggled")) return "smuggled";
    if (isOwn(event)) return undefined;
    this.posted++;
    const { source, ...rest } = event;
    const known = this.#sent.get(String(event.id))?.some((sent) => {
      const { source: given = source, ...others } = sent;
      return given === source && isDeepStrictEqual(others, rest);
    });
    // It comes once, unless the log forgets its id and somebody sends it again.
    this.#sent.delete(String(event.id));
    return known ? undefined : "never sent, or refused";
  }
}

/** Of a job that the server runs itself; others may only add a report. */
function isOwn({ type, data, source }: Json): boolean {
  const ends = ["orchestra.job.created", "orchestra.job.canceled"];
  const { jobId } = data as Json;
  return ends.includes(String(type)) && /^own-[0-9]+$/.test(String(jobId)) && source !== "posted";
}

/** Whatever the body could be taken to hold. */
function eventsIn(body: Buffer): Json[] {
  const lines = body.toString().split("\n");
  const parts = lines.length === 1 ? lines : [body.toString(), ...lines];
  return parts.flatMap((part) => {
    const event = MAY_BE_EVENT.test(part) ? parsed(part) : undefined;
    return typeof event?.id === "string" ? [event] : [];
  });
}

/** What is deep takes long to be read, and is no event. */
const MAY_BE_EVENT = /^\s*\{(?!"a":\{"a":)/;

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
