import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { ANSWERS, type Answer, type Answers } from "./llm-answers.ts";
import { ChatStream } from "./llm-stream.ts";

/** One call of the model that is part of a prompt's work; titles are made aside. */
export interface LlmRequest {
  /** The first word of the newest prompt, which picks the answer. */
  word: string;
  sessionId: string;
  traceparent: string | undefined;
  /** Ids of the tool calls in the answer. */
  callIds: string[];
}

interface ChatBody {
  messages: { role: string; content: string | { text?: string }[] }[];
  tools?: unknown[];
}

/** A model on loopback that does as its answers say. */
export class FakeLlm {
  /** In order of arrival. */
  readonly requests: LlmRequest[] = [];
  /** What is asked from now on is not answered before; set it to have the model wait for something. */
  ready: Promise<unknown> = Promise.resolve();
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #watchers = new Set<() => void>();
  #release = Promise.withResolvers<void>();
  readonly #answers: Answers;
  #calls = 0;

  private constructor(answers: Answers) {
    this.#answers = answers;
  }

  static async start(answers: Answers = ANSWERS): Promise<FakeLlm> {
    const llm = new FakeLlm(answers);
    llm.#server.listen(0, "127.0.0.1");
    await once(llm.#server, "listening");
    return llm;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Resolves when the model was called with this word so many times. Default: once. */
  async asked(word: string, times = 1): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (this.requests.filter((request) => request.word === word).length >= times) resolve();
    };
    this.#watchers.add(look);
    look();
    await promise;
    this.#watchers.delete(look);
  }

  /** Lets go all answers that are held now. */
  release(): void {
    this.#release.resolve();
    this.#release = Promise.withResolvers();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { messages, tools = [] } = (await json(request)) as ChatBody;
    if (tools.length === 0) {
      new ChatStream(response).say("A title");
      return;
    }
    const asked = messages.findLastIndex(({ role }) => role === "user");
    const word = firstWord(messages[asked]?.content);
    const turn = messages.slice(asked).filter(({ role }) => role === "assistant").length;
    const answer: Answer = [this.#answers[word] ?? { say: "noted" }].flat()[turn] ?? { say: "done" };
    const calls = typeof answer === "object" && "call" in answer ? answer.call : [];
    const named = calls.map((call) => ({ ...call, id: `call_${++this.#calls}` }));
    const released = this.#release.promise;
    this.#note(request, { word, callIds: named.map(({ id }) => id) });
    await this.ready;
    if (answer === "hold") {
      await Promise.race([released, once(response, "close")]);
      new ChatStream(response).say("released");
    } else if ("status" in answer) refuse(response, answer);
    else if ("call" in answer) new ChatStream(response).call(named);
    else new ChatStream(response).say(answer.say);
  }

  #note({ headers }: IncomingMessage, facts: Pick<LlmRequest, "word" | "callIds">): void {
    const sessionId = String(headers["x-session-id"]);
    this.requests.push({ ...facts, sessionId, traceparent: headers.traceparent as string | undefined });
    for (const look of this.#watchers) look();
  }
}

function firstWord(content: string | { text?: string }[] = ""): string {
  const text = typeof content === "string" ? content : content.map((part) => part.text ?? "").join(" ");
  return /\w+/.exec(text)?.[0] ?? "";
}

function refuse(response: ServerResponse, refusal: Extract<Answer, { status: number }>): void {
  const { status, error = `the model answers with ${status}`, retryAfterMs } = refusal;
  const retry = retryAfterMs === undefined ? {} : { "retry-after-ms": String(retryAfterMs) };
  response.writeHead(status, { "content-type": "application/json", ...retry });
  response.end(JSON.stringify({ error: { message: error } }));
}
