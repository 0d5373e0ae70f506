import { createSseHub } from "../../../exporters/sse.ts";
import { startBridge } from "../../../src/bridge/bridge.ts";
import { JobTable } from "../../../src/event/job-table.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import type { Feed } from "./feed.ts";

/** Everything from `publish` to the sockets: encoding, log, list of jobs, hub and the HTTP bridge. */
export async function startOurFeed(): Promise<Feed> {
  const log = createMemoryEventLog();
  const jobs = new JobTable();
  const hub = createSseHub({ log, maxClients: 5_000 });
  const publisher = new EventPublisher({ log, sinks: [jobs, hub] });
  const bridge = await startBridge({ port: 0, hub, log, jobs, publish: () => {}, status: () => ({}) });
  return {
    port: bridge.address.port,
    publish: (event) => publisher.publish(event),
    slowClients: () => {
      const { slow_bytes, slow_time } = hub.stats().dropped;
      return slow_bytes + slow_time;
    },
  };
}
