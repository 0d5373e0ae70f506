/**
 * What the hub needs of a transport. The bridge implements it on an HTTP response; anything that takes
 * bytes and tells when it is full will do.
 */
export interface SseConnection {
  /** Bytes that `write` took and that have not left this process. */
  readonly queuedBytes: number;
  /** False when the bytes had to be queued: more had better wait for `onDrain`. They are sent anyway. */
  write(chunk: Uint8Array): boolean;
  /** `listener` is called each time the queue has emptied after `write` returned false. */
  onDrain(listener: () => void): void;
  /** `listener` is called once, however the connection came to its end. */
  onClose(listener: () => void): void;
  /** Ends the connection once everything queued is sent. */
  end(): void;
  /** Ends the connection at once. */
  destroy(): void;
}
