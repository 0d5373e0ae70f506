import type { Socket } from "node:net";

/** https://www.rfc-editor.org/rfc/rfc9113#name-http-2-connection-preface */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Tells by the first bytes of connections which of them speak HTTP/2. */
export class Prefaces {
  readonly #timeoutMs: number;
  readonly #waiting = new Set<Socket>();

  /** @param timeoutMs time for the first bytes to come */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Calls `known` once, with the bytes still to be read; never when the connection ends before. */
  await(socket: Socket, known: (isHttp2: boolean) => void): void {
    let seen: Buffer = Buffer.alloc(0);
    const look = () => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      seen = Buffer.concat([seen, bytes]);
      const isHttp2 = beginsWithPreface(seen);
      if (isHttp2 === undefined) return;
      stop();
      socket.unshift(seen);
      known(isHttp2);
    };
    const giveUp = () => void socket.destroy();
    const timer = setTimeout(giveUp, this.#timeoutMs).unref();
    const stop = () => {
      clearTimeout(timer);
      this.#waiting.delete(socket);
      socket.off("readable", look).off("end", giveUp).off("close", stop);
    };
    this.#waiting.add(socket);
    // Whoever serves it is told by the close that follows; until then nobody else listens.
    socket.on("error", () => {});
    socket.on("readable", look).once("end", giveUp).once("close", stop);
  }

  /** Who has said nothing yet is not waited for. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy();
  }
}

/** Undefined while that depends on bytes to come. */
function beginsWithPreface(bytes: Buffer): boolean | undefined {
  const length = Math.min(bytes.length, PREFACE.length);
  if (!bytes.subarray(0, length).equals(PREFACE.subarray(0, length))) return false;
  return length === PREFACE.length || undefined;
}
