import type { SseHub } from "../exporters/sse.ts";
import type { Bridge } from "./bridge/bridge.ts";
import { hostOfAddress, isWildcard } from "./bridge/host-name.ts";
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

/** Where a bridge is expected to be, before it is. */
export function expectedUrl({ host, port, tls }: LateBridgeOptions["config"]): string {
  return `${tls ? "https" : "http"}://${reachable(host)}:${port}`;
}

function reachable(host: string): string {
  const own = hostOfAddress(host);
  return isWildcard(own) ? "127.0.0.1" : own;
}

/** A bridge of our own that is not there yet, and may never be. */
export class LateBridge implements TelemetryBridge {
  readonly #options: LateBridgeOptions;
  #own: TelemetryBridge | undefined;
  #begun: Promise<unknown> | undefined;
  #isClosed = false;

  constructor(options: LateBridgeOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#own?.url ?? expectedUrl(this.#options.config);
  }

  get token(): string | undefined {
    // What another process at that place was given, it may have got from the same configuration.
    return this.#own?.token ?? this.#options.config.token;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Lets `start` make the bridge, unless it is closed or under way; never rejects. */
  async begin(
    start: () => Promise<TelemetryBridge | undefined>,
    onError: (error: unknown) => void,
  ): Promise<void> {
    if (this.#isClosed || this.#begun !== undefined) return;
    this.#begun = start().then((own) => {
      this.#own = own;
    }, onError);
    await this.#begun;
    this.#begun = undefined;
  }

  async close(options?: { deadlineMs?: number | undefined }): Promise<void> {
    this.#isClosed = true;
    await this.#begun;
    await (this.#own?.close(options) ?? this.#options.hub.shutdown({ deadlineMs: options?.deadlineMs }));
  }
}
