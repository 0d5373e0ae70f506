import { openFeed, type SseReader } from "../../fixtures/sse-reader.ts";
import type { OpencodeProcess } from "./opencode-process.ts";

/** What OpenCode tells of itself, of all folders. */
export interface HostEvent {
  type: string;
  properties: Record<string, unknown>;
}

/** The outcome of a prompt, as OpenCode answers it. */
interface PromptResult {
  info: { sessionID: string; finish?: string; error?: { name: string } };
  parts: { type: string; text?: string }[];
}

/** `opencode serve`, driven over HTTP. */
export class OpencodeServer {
  readonly process: OpencodeProcess;
  readonly #url: string;
  readonly #reader: SseReader;

  private constructor(process: OpencodeProcess, url: string, reader: SseReader) {
    this.process = process;
    this.#url = url;
    this.#reader = reader;
  }

  static async of(process: OpencodeProcess): Promise<OpencodeServer> {
    const [, url = ""] = await process.printed(/listening on (http:\S+)/);
    return new OpencodeServer(process, url, await openFeed(`${url}/global/event`));
  }

  /** In which folder. Default: the one that the server was started in. */
  async createSession(directory?: string): Promise<string> {
    const { id } = (await this.#post("/session", {}, { directory })) as { id: string };
    return id;
  }

  /** Prompts, and waits until the session is idle again. */
  async prompt(sessionId: string, text: string, options: PromptOptions = {}): Promise<PromptResult> {
    const { signal, metadata } = options;
    const parts = [{ type: "text", text, metadata }];
    return (await this.#post(`/session/${sessionId}/message`, { parts }, { signal })) as PromptResult;
  }

  /** Prompts, and waits for nothing. */
  async promptAside(sessionId: string, text: string): Promise<void> {
    await this.#post(`/session/${sessionId}/prompt_async`, { parts: [{ type: "text", text }] });
  }

  async abort(sessionId: string): Promise<void> {
    await this.#post(`/session/${sessionId}/abort`);
  }

  async answerPermission(sessionId: string, permissionId: string): Promise<void> {
    await this.#post(`/session/${sessionId}/permissions/${permissionId}`, { response: "once" });
  }

  /** Ends what OpenCode holds for a folder, its plugins included. */
  async disposeInstance(directory: string): Promise<void> {
    await this.#post("/instance/dispose", {}, { directory });
  }

  /** Sessions that were started by others of theirs. */
  async childrenOf(sessionId: string): Promise<string[]> {
    const response = await fetch(`${this.#url}/session/${sessionId}/children`);
    return ((await response.json()) as { id: string }[]).map(({ id }) => id);
  }

  /** The first event that fits, as soon as there is one. */
  async saw(fits: (event: HostEvent) => boolean): Promise<HostEvent> {
    let found: HostEvent | undefined;
    await this.#reader.until(() => {
      found = this.events.find(fits);
      return found !== undefined;
    });
    return found as unknown as HostEvent;
  }

  get events(): HostEvent[] {
    return this.#reader.events.map(({ data }) => (JSON.parse(data) as { payload: HostEvent }).payload);
  }

  close(): void {
    this.#reader.close();
  }

  async #post(path: string, body: object = {}, { directory, signal }: PostOptions = {}): Promise<unknown> {
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.#url + path, {
      method: "POST",
      headers: directory === undefined ? headers : { ...headers, "x-opencode-directory": directory },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}

interface PromptOptions {
  /** Of the prompt's text. */
  metadata?: object | undefined;
  signal?: AbortSignal | undefined;
}

interface PostOptions {
  directory?: string | undefined;
  signal?: AbortSignal | undefined;
}
