import { EventSourceParserStream } from "eventsource-parser/stream";
import { applyJobEvent, isJobEvent, type JobSnapshot, type OrchestratorEvent } from "../../src/index.ts";

/** What a reader of the live feed knows: it has seen nothing but server-sent events. */
export interface Feed {
  /** Events seen so far. */
  delivered(): number;
  jobs(): JobSnapshot[];
  /** Resolves once `count` events have come, or after two seconds. */
  received(count: number): Promise<void>;
  close(): void;
}

export async function readFeed(url: string): Promise<Feed> {
  const closing = new AbortController();
  const response = await fetch(`${url}/v1/events`, { signal: closing.signal });
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  const frames = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  const jobs = new Map<string, JobSnapshot>();
  let delivered = 0;
  let onEvent = () => {};

  const reading = (async () => {
    for await (const frame of frames) {
      const event = JSON.parse(frame.data) as OrchestratorEvent;
      delivered++;
      if (isJobEvent(event)) {
        const { jobId } = event.data;
        jobs.set(jobId, applyJobEvent(jobs.get(jobId), event));
      }
      onEvent();
    }
  })();
  // The stream ends by `close`, or because the server stopped.
  reading.catch(() => {});

  return {
    delivered: () => delivered,
    jobs: () => [...jobs.values()],
    close: () => closing.abort(),
    received: (count) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, 2_000);
        onEvent = () => {
          if (delivered < count) return;
          clearTimeout(timer);
          resolve();
        };
        onEvent();
      }),
  };
}
