import { connect } from "node:net";
import type { SeededRandom } from "./seeded-random.ts";

/** Nobody waits longer for the bytes after which he wants to leave. */
const MOST_WAIT_MS = 5_000;
const HEAD = "GET /v1/events";
/** Where one leaves: before he has asked, in the middle of it, then, or after so many bytes of the answer. */
const LEAVES = {
  beforeRequest: { request: "", bytes: 0 },
  inRequest: { request: `${HEAD}?type=orchestra.*`, bytes: 0 },
  beforeAnswer: { request: `${HEAD} HTTP/1.1\r\nHost: localhost\r\n\r\n`, bytes: 0 },
  inHead: { request: `${HEAD} HTTP/1.1\r\nHost: localhost\r\n\r\n`, bytes: 1 },
  inReplay: { request: `${HEAD}?after=oldest HTTP/1.1\r\nHost: localhost\r\n\r\n`, bytes: 100_000 },
  inFilteredReplay: {
    request: `${HEAD}?after=oldest&workerId=rare HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    bytes: 800,
  },
  afterEvent: { request: `${HEAD} HTTP/1.1\r\nHost: localhost\r\n\r\n`, bytes: 600 },
};

export type Leave = keyof typeof LEAVES;
export const ALL_LEAVES = Object.keys(LEAVES) as Leave[];

/** Connects, and leaves; resolves to whether it came as far as it wanted to. */
export function passBy(port: number, leave: Leave, random: SeededRandom): Promise<boolean> {
  const { request, bytes } = LEAVES[leave];
  const isOrderly = random.chance(0.3);
  let left = random.between(Math.min(1, bytes), bytes);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const go = () => void (isOrderly ? socket.destroy() : socket.resetAndDestroy());
    socket.setTimeout(MOST_WAIT_MS, go);
    socket.on("connect", () => {
      if (request === "") go();
      else socket.write(request, () => left === 0 && go());
    });
    socket.on("data", ({ length }) => {
      left -= length;
      if (left <= 0) go();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(left <= 0));
  });
}
