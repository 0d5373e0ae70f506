import type { SseHub } from "../exporters/sse.ts";
import type { Bridge } from "./bridge/bridge.ts";
import { reachableUrl } from "./bridge/host-name.ts";
import type { Config } from "./config.ts";

export interface TelemetryBridge extends Pick<Bridge, "url" | "close"> {
  /** Given by configuration, or made for this process; undefined while another process serves the port. */
  readonly token: string | undefined;
}

export interface LateBridgeOptions {
  config: NonNullable<Config["bridge"]>;
  /** Shut down with the bridge, also when that never served. */
  hub: SseHub;
}

/** A bridge of our own that is not there yet, and may never be. */
export class LateBridge implements TelemetryBridge {
  readonly #options: LateBridgeOptions;
  #own: TelemetryBridge | undefined;
  #begun: Promise<unknown> | undefined;
  readonly #closing = new AbortController();

  constructor(options: LateBridgeOptions) {
    this.#options = options;
  }

  /** Where it serves, or would: until then whoever holds the port answers there, if anybody does. */
  get url(): string {
    return this.#own?.url ?? reachableUrl(this.#options.config);
  }

  get token(): string | undefined {
    // What another process at that place was given, it may have got from the same configuration.
    return this.#own?.token ?? this.#options.config.token;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Lets `start` make the bridge, unless it is closed or under way; never rejects. The signal comes when it is
   * closed: what `start` waits for is then of no use, and it may throw the signal's reason.
   */
  async begin(
    start: (signal: AbortSignal) => Promise<TelemetryBridge | undefined>,
    onError: (error: unknown) => void,
  ): Promise<void> {
    if (this.isClosed || this.#begun !== undefined) return;
    const { signal } = this.#closing;
    this.#begun = start(signal).then(
      (own) => {
        this.#own = own;
      },
      (error: unknown) => {
        if (!signal.aborted || error !== signal.reason) onError(error);
      },
    );
    await this.#begun;
    this.#begun = undefined;
  }

  async close(options?: { deadlineMs?: number | undefined }): Promise<void> {
    this.#closing.abort();
    await this.#begun;
    await (this.#own?.close(options) ?? this.#options.hub.shutdown({ deadlineMs: options?.deadlineMs }));
  }
}
