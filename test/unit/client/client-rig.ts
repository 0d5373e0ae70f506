import { onTestFinished } from "vitest";
import { type Connection, type ConnectOptions, connect, type FeedEvent } from "../../../src/client/index.ts";
import { createManualSchedule, type ManualSchedule } from "../../fixtures/manual-schedule.ts";

/** One request of the client, and the answer under way. */
class TestRequest {
  readonly url: URL;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly init: RequestInit;
  /** Whether the client has stopped to wait for or to read the answer. */
  isAborted = false;
  /** Chunks that the client has read. */
  reads = 0;
  readonly #chunks: Uint8Array[] = [];
  #hasEnded = false;
  #resolve: (response: Response) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #onChunk = () => {};
  readonly response: Promise<Response>;

  constructor(url: string, init: RequestInit) {
    this.url = new URL(url);
    this.init = init;
    this.headers = new Headers(init.headers);
    this.signal = init.signal as AbortSignal;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.signal.addEventListener("abort", () => {
      this.isAborted = true;
      this.#reject(this.signal.reason);
      this.#controller?.error(this.signal.reason);
    });
  }

  get query(): string {
    return decodeURIComponent(this.url.search);
  }

  json(body: unknown, status = 200): void {
    this.#resolve(Response.json(body, { status }));
  }

  fail(message = "fetch failed"): void {
    this.#reject(new TypeError(message));
  }

  answer(response: Response): void {
    this.#resolve(response);
  }

  /** Opens an event stream that begins with `text`. Each call of `send` is one chunk, read when asked for. */
  stream(text: string | Uint8Array = ""): this {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: async (controller) => {
          if (this.#chunks.length === 0 && !this.#hasEnded) {
            await new Promise<void>((resolve) => {
              this.#onChunk = resolve;
            });
          }
          const chunk = this.#chunks.shift();
          if (chunk === undefined) return controller.close();
          this.reads++;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
    this.#resolve(new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } }));
    return this.send(text);
  }

  send(chunk: string | Uint8Array): this {
    if (chunk.length > 0) this.#chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    this.#onChunk();
    return this;
  }

  /** The server ends the stream. */
  end(): void {
    this.#hasEnded = true;
    this.#onChunk();
  }

  /** The network breaks. */
  break(): void {
    this.#controller?.error(new TypeError("terminated"));
  }
}

export interface ClientRig {
  connection: Connection;
  time: ManualSchedule;
  requests: TestRequest[];
  /** Everything that the handlers were told, in order, in short. */
  told: string[];
  errors: unknown[];
  /** Resolves with the request of this number, counted from 0, once it is made. */
  request(index: number): Promise<TestRequest>;
  until(condition: () => boolean): Promise<void>;
}

export type RigOptions = Partial<ConnectOptions> & {
  /** Records what the handlers are told. Default: events, gaps and errors; not states and snapshots. */
  records?: readonly ("event" | "snapshot" | "state")[];
};

/** A client of a bridge that does what the test says, on a clock that it moves. */
export function createClient({ records = ["event"], ...options }: RigOptions = {}): ClientRig {
  const time = createManualSchedule();
  const requests: TestRequest[] = [];
  const [told, errors]: [string[], unknown[]] = [[], []];
  const handlers: Partial<ConnectOptions> = {
    onGap: ({ reason }) => told.push(`gap ${reason}`),
    onError: (error) => {
      errors.push(error);
    },
  };
  if (records.includes("event")) handlers.onEvent = (event) => told.push(textOf(event));
  if (records.includes("state")) handlers.onState = ({ state }) => told.push(state);
  if (records.includes("snapshot")) {
    handlers.onSnapshot = ({ jobs, cursor }) =>
      told.push(`snapshot ${cursor}: ${jobs.map(({ jobId }) => jobId).join(" ")}`);
  }
  const connection = connect({
    url: "http://bridge:4319",
    random: () => 1,
    schedule: time.schedule,
    fetch: (url, init) => {
      const request = new TestRequest(String(url), init ?? {});
      requests.push(request);
      return request.response;
    },
    ...handlers,
    ...options,
  });
  onTestFinished(() => connection.close());
  return {
    connection,
    time,
    requests,
    told,
    errors,
    until,
    request: async (index) => {
      await until(() => requests.length > index);
      return requests[index] as TestRequest;
    },
  };
}

/** Turns of the event loop after which something that has not happened is taken not to. */
const PATIENCE = 200;

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < PATIENCE; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`Never: ${condition}`);
}

/** Lets everything happen that needs no time. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** An event told from others by its number, which is its place in the log `e` too. */
export function eventFrame(n: number, { cursor = `e-${n}`, id = `id-${n}` } = {}): string {
  const data = { message: String(n) };
  const event = { version: 1, id, type: "orchestra.error", timestamp: 0, data };
  return `id: ${cursor}\nevent: orchestra.error\ndata: ${JSON.stringify(event)}\n\n`;
}

export function jobFrame(n: number, jobId: string, revision: number): string {
  const data = { jobId, workerId: "w", revision, message: `${jobId}/${revision}` };
  const event = { version: 1, id: `id-${n}`, type: "orchestra.job.progress", timestamp: 0, data };
  return `id: e-${n}\nevent: orchestra.job.progress\ndata: ${JSON.stringify(event)}\n\n`;
}

export function heartbeat(n: number): string {
  return `id: e-${n}\n\n`;
}

export function resyncFrame(reason = "evicted"): string {
  const data = { reason, requested: "e-1", oldest: "e-8", latest: "e-9" };
  return `event: orchestra.stream.resync\ndata: ${JSON.stringify(data)}\n\n`;
}

export function textOf(event: FeedEvent): string {
  return String((event.data as { message?: string }).message ?? event.type);
}

/** A signal that counts who listens to it. */
export function listenedSignal() {
  const controller = new AbortController();
  const signal = Object.assign(controller.signal, { listeners: 0 });
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    signal.listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    signal.listeners--;
    removeEventListener.apply(signal, args);
  };
  return { controller, signal };
}
