import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseHub, RESYNC_EVENT, type SseHub } from "../../../exporters/sse.ts";
import type { EventFilter } from "../../../src/event/event-filter.ts";
import type { EventLog, EventPage, ReadOptions, UnplacedEvent } from "../../../src/event/event-log.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { TestConnection } from "../../fixtures/sse-connection.ts";
import { errorEvent, range, settled } from "../../fixtures/sse-feed.ts";

/** A log whose every read is answered when the test says so, from what it held when it was asked. */
class DeferredLog implements EventLog {
  readonly #memory: EventLog;
  readonly #reads: (() => void)[] = [];
  #appended = 0;

  constructor(capacity?: number) {
    this.#memory = createMemoryEventLog({ epoch: "e", ...(capacity && { capacity }) });
  }

  append(batch: readonly UnplacedEvent[]): string[] {
    this.#appended += batch.length;
    return this.#memory.append(batch) as string[];
  }

  get appended(): number {
    return this.#appended;
  }

  read(options?: ReadOptions): Promise<EventPage> {
    const page = this.#memory.read(options) as EventPage;
    return new Promise((resolve) => {
      this.#reads.push(() => resolve(page));
    });
  }

  answer(): void {
    this.#reads.shift()?.();
  }

  get isAsked(): boolean {
    return this.#reads.length > 0;
  }

  bounds() {
    return this.#memory.bounds();
  }

  flush() {
    return this.#memory.flush();
  }

  close() {
    return this.#memory.close();
  }
}

interface Stage {
  log: DeferredLog;
  hub: SseHub;
  /** Puts `count` events into the log; what was not shown to the hub yet is what `dispatch` shows next. */
  append(count: number): void;
  dispatch(count?: number): void;
  connect(after: string, filter?: EventFilter): TestConnection;
  /** Answers every read until nobody asks any more. */
  answerAll(): Promise<void>;
}

interface StageOptions {
  /** Whose the n-th event is. */
  worker?: (n: number) => string | undefined;
  /** Events that the log holds. */
  capacity?: number;
  maxQueuedBytes?: number;
  /** Spaces behind each message. */
  padding?: number;
  /** Milliseconds that pass with each look at the clock: then flushes take time, and rests follow. */
  tickMs?: number;
}

function createStage(options: StageOptions = {}): Stage {
  const { worker = () => undefined, capacity, maxQueuedBytes, padding = 0, tickMs = 0 } = options;
  let time = 0;
  const now = () => {
    time += tickMs;
    return time;
  };
  const log = new DeferredLog(capacity);
  const hub = createSseHub({ log, maxQueuedBytes, now });
  const undispatched: { cursor: string; unplaced: UnplacedEvent }[] = [];
  return {
    log,
    hub,
    append: (count) => {
      const batch = range(log.appended + 1, log.appended + count).map((n) =>
        errorEvent(n + " ".repeat(padding), worker(Number(n))),
      );
      log.append(batch).forEach((cursor, index) => {
        undispatched.push({ cursor, unplaced: batch[index] as UnplacedEvent });
      });
    },
    dispatch: (count = undispatched.length) => {
      for (const { cursor, unplaced } of undispatched.splice(0, count)) hub.onEvent({ ...unplaced, cursor });
    },
    connect: (after, filter = {}) => {
      const connection = new TestConnection();
      hub.connect(connection, { after, filter: hub.compile(filter) });
      return connection;
    },
    answerAll: async () => {
      while (log.isAsked) {
        log.answer();
        await settled();
      }
    },
  };
}

describe("the step from the log to the live feed", () => {
  it("loses and doubles nothing that is dispatched while the log is read", async () => {
    const { log, append, dispatch, connect, answerAll } = createStage();
    append(10);
    dispatch();
    const connection = connect("e-4");
    append(5);
    dispatch();
    log.answer();
    await settled();
    append(5);
    dispatch();
    await answerAll();
    append(1);
    dispatch();
    await settled();
    expect(connection.messages()).toEqual(range(5, 21));
  });

  it("does not repeat what was read from the log before it was dispatched", async () => {
    const { append, dispatch, connect, answerAll } = createStage();
    append(3);
    dispatch(1);
    const connection = connect("e-0");
    await answerAll();
    expect(connection.messages()).toEqual(range(1, 3));
    dispatch(1);
    await settled();
    append(2);
    dispatch();
    await settled();
    append(1);
    dispatch();
    await settled();
    expect(connection.messages()).toEqual(range(1, 6));
  });

  it("keeps a client's cursor where it has read to, until the feed gets there", async () => {
    const { hub, append, dispatch, connect, answerAll } = createStage({
      worker: (n) => (n === 5 ? "coder" : undefined),
    });
    append(3);
    dispatch(1);
    const connection = connect("e-0", { workerIds: ["coder"] });
    await answerAll();
    dispatch(1);
    await hub.forceFlush();
    expect(connection.read().ids).toEqual(["e-3"]);
    append(3);
    dispatch();
    await settled();
    expect(connection.messages()).toEqual(["5"]);
  });

  it("reads on when more was dispatched meanwhile than the hub keeps at hand", async () => {
    const { append, dispatch, connect, answerAll } = createStage();
    const connection = connect("e-0");
    append(5_000);
    dispatch();
    await answerAll();
    expect(connection.messages()).toEqual(range(1, 5_000));
  });

  it("reads on when more was dispatched meanwhile than fits one chunk", async () => {
    const { append, dispatch, connect, answerAll } = createStage();
    append(1);
    const connection = connect("e-0");
    dispatch();
    append(900);
    dispatch();
    await answerAll();
    expect(connection.messages()).toEqual(range(1, 901));
    expect(Math.max(...connection.writes.map(({ length }) => length))).toBeLessThan(80_000);
  });

  it("lets a client in although the log does not show what was dispatched", async () => {
    const { hub, log, connect, answerAll } = createStage();
    const connection = connect("e-0");
    hub.onEvent({ ...errorEvent("1"), cursor: "e-1" });
    await answerAll();
    hub.onEvent({ ...errorEvent("2"), cursor: "e-2" });
    await settled();
    expect(log.isAsked).toBe(false);
    expect(connection.messages()).toContain("2");
  });

  it("goes on when the log began a new history in between", async () => {
    const { hub, append, dispatch, connect, answerAll } = createStage();
    append(3);
    dispatch(1);
    const connection = connect("e-0");
    await answerAll();
    hub.onEvent({ ...errorEvent("new"), cursor: "f-1" });
    hub.onEvent({ ...errorEvent("newer"), cursor: "no cursor of ours" });
    await settled();
    expect(connection.messages()).toEqual(["1", "2", "3", "new", "newer"]);
  });

  const steps = fc.array(stepOf(300), { minLength: 5, maxLength: 40 });

  it("gives each client exactly what came after its cursor, in order, whatever happens when", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(0, 1), async (steps, tickMs) => {
        const stage = createStage({ worker: evenOrNot, tickMs });
        const clients: Client[] = [];
        for (const run of steps) await run(stage, clients);
        await finish(stage, clients);
        for (const { connection, after, isWanted } of clients) {
          expect(connection.messages()).toEqual(range(after + 1, stage.log.appended).filter(isWanted));
          expect(connection.state).toBe("open");
        }
      }),
      { numRuns: 60 },
    );
  });

  const anyStep = fc.oneof(
    { weight: 3, arbitrary: stepOf(60) },
    { weight: 1, arbitrary: slowStep },
    { weight: 1, arbitrary: liveStep },
  );

  it("leaves out only what the log let go, says so, and stops only where it cuts a slow client off", async () => {
    const seen = { resyncs: 0, drops: 0, whole: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 20, maxLength: 80 }),
        fc.record({
          capacity: fc.integer({ min: 50, max: 600 }),
          padding: fc.constantFrom(0, 2_000),
          maxQueuedBytes: fc.constantFrom(200, 5_000, 20_000),
          tickMs: fc.constantFrom(0, 1),
        }),
        async (steps, options) => {
          const stage = createStage({ worker: evenOrNot, ...options });
          const clients: Client[] = [];
          for (const run of steps) await run(stage, clients);
          await finish(stage, clients);
          for (const client of clients) expectNoSilentHole(client, stage.log.appended);
          seen.whole += clients.filter(({ connection }) => connection.state === "open").length;
          seen.resyncs += stage.hub.stats().resyncs;
          seen.drops += stage.hub.stats().dropped.slow_bytes;
          await stage.hub.shutdown({ deadlineMs: 1 });
        },
      ),
      { numRuns: 200 },
    );
    // Whether the cases were any good.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });
});

/** Everything that is under way comes to its end, and every client reads again. */
async function finish(stage: Stage, clients: readonly Client[]): Promise<void> {
  stage.dispatch();
  await settled();
  await stage.hub.forceFlush();
  const isBusy = () => stage.log.isAsked || clients.some(({ connection }) => connection.queuedBytes > 0);
  do {
    for (const { connection } of clients) flow(connection);
    await stage.answerAll();
    await settled();
  } while (isBusy());
}

function flow(connection: TestConnection): void {
  connection.isStuck = false;
  if (connection.state === "open") connection.drain();
  else connection.queuedBytes = 0;
}

/** What is missing lies where a resync is, or after the end of a client that was cut off. */
function expectNoSilentHole({ connection, after, isWanted }: Client, latest: number): void {
  let next = after + 1;
  let mayJump = false;
  for (const { event, data } of connection.read().events) {
    if (event === RESYNC_EVENT) {
      mayJump = true;
      continue;
    }
    const n = Number((JSON.parse(data) as { data: { message: string } }).data.message);
    if (!mayJump) expect(range(next, n - 1).filter(isWanted)).toEqual([]);
    expect(n).toBeGreaterThanOrEqual(next);
    expect(isWanted(String(n))).toBe(true);
    next = n + 1;
    mayJump = false;
  }
  if (connection.state === "open" && !mayJump) expect(range(next, latest).filter(isWanted)).toEqual([]);
}

interface Client {
  connection: TestConnection;
  after: number;
  isWanted: (message: string) => boolean;
}

type Step = (stage: Stage, clients: Client[]) => void | Promise<void>;

const evenOrNot = (n: number) => (n % 2 === 0 ? "even" : undefined);

/** Up to `most` events are appended or dispatched at once. */
function stepOf(most: number): fc.Arbitrary<Step> {
  const count = fc.integer({ min: 1, max: most });
  const appendStep = count.map(
    (events): Step =>
      (stage) =>
        stage.append(events),
  );
  const dispatchStep = count.map(
    (events): Step =>
      (stage) =>
        stage.dispatch(events),
  );
  const answerStep = fc.constant<Step>((stage) => stage.log.answer());
  const settleStep = fc.constant<Step>(settled);
  const connectStep = fc.tuple(fc.nat(most), fc.boolean()).map(
    ([back, onlyEven]): Step =>
      (stage, clients) => {
        const after = Math.max(0, stage.log.appended - back);
        clients.push({
          connection: stage.connect(`e-${after}`, onlyEven ? { workerIds: ["even"] } : undefined),
          after,
          isWanted: (message) => !onlyEven || Number(message) % 2 === 0,
        });
      },
  );
  return fc.oneof(
    { weight: 3, arbitrary: appendStep },
    { weight: 3, arbitrary: dispatchStep },
    { weight: 3, arbitrary: answerStep },
    { weight: 2, arbitrary: settleStep },
    { weight: 2, arbitrary: connectStep },
  );
}

/** Who reads comes to the live feed. */
const liveStep = fc.constant<Step>(async (stage) => {
  stage.dispatch();
  await settled();
  await stage.answerAll();
});

const whichever = fc.nat(9);
const mostly = fc.nat(4).map((n) => n > 0);

/** A client that stops reading, or goes on. */
const slowStep: fc.Arbitrary<Step> = fc.tuple(whichever, mostly).map(
  ([index, stops]): Step =>
    (_, clients) => {
      const client = clients[index % Math.max(1, clients.length)];
      if (client === undefined) return;
      if (stops) client.connection.isStuck = true;
      else flow(client.connection);
    },
);
