import { createParser } from "eventsource-parser";
import type { Attempt } from "./attempt.ts";

/** What a stream of https://html.spec.whatwg.org/multipage/server-sent-events.html says, in order. */
export type Frame =
  | { data: string; event?: string | undefined; id?: string | undefined }
  /** An id without data. */
  | { id: string; data?: undefined }
  | { retry: number; data?: undefined; id?: undefined }
  /** More data than can be held; it was left out. */
  | { isOversized: true; data?: undefined; id?: undefined };

/** Characters of the longest frame that is read. */
const MAX_FRAME_LENGTH = 16 * 1024 * 1024;

/** Reads a chunk only when the frames of the one before were taken, so a slow reader slows the sender. */
export async function* framesOf(
  body: ReadableStream<Uint8Array>,
  attempt: Attempt,
): AsyncGenerator<Frame, void, void> {
  let frames: Frame[] = [];
  let isOversized = false;
  const parser = createParser({
    maxBufferSize: MAX_FRAME_LENGTH,
    onId: (id) => frames.push({ id }),
    onEvent: (frame) => {
      // Its id was told just before, and counts only together with it.
      if (frame.id !== undefined) frames.pop();
      frames.push(frame);
    },
    onRetry: (retry) => frames.push({ retry }),
    onError: ({ type }) => {
      isOversized ||= type === "max-buffer-size-exceeded";
    },
  });
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await attempt.wait(reader.read());
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
    if (isOversized) {
      // What is left of the long line is no field, so nothing more comes of it.
      parser.reset();
      frames.push({ isOversized });
      isOversized = false;
    }
    yield* frames;
    frames = [];
  }
}
