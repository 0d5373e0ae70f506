import type { ServerResponse } from "node:http";

/** A call of one of OpenCode's tools. */
export interface ToolCall {
  name: string;
  args: Record<string, unknown>;
}

/** Tokens that every answer claims to have cost. */
export const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/** One streamed answer of `POST /chat/completions`. */
export class ChatStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { "content-type": "text/event-stream" });
    this.#chunk({ role: "assistant", content: "" });
  }

  say(text: string): void {
    this.#chunk({ content: text });
    this.#end("stop");
  }

  /** Calls all tools at once, under the ids given. */
  call(calls: readonly (ToolCall & { id: string })[]): void {
    calls.forEach(({ id, name, args }, index) => {
      const described = { name, arguments: JSON.stringify(args) };
      this.#chunk({ tool_calls: [{ index, id, type: "function", function: described }] });
    });
    this.#end("tool_calls");
  }

  #end(reason: "stop" | "tool_calls"): void {
    this.#chunk({}, { reason, usage: USAGE });
    this.#response.end("data: [DONE]\n\n");
  }

  #chunk(delta: object, end?: { reason: string; usage: typeof USAGE }): void {
    const choices = [{ index: 0, delta, finish_reason: end?.reason ?? null }];
    const chunk = { id: "chunk", object: "chat.completion.chunk", created: 1, model: "fake-1", choices };
    this.#response.write(`data: ${JSON.stringify({ ...chunk, usage: end?.usage })}\n\n`);
  }
}
