import { createSseHub } from "../../../exporters/sse.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { describeEventSink } from "../../conformance/event-sink.ts";
import { TestConnection } from "../../fixtures/sse-connection.ts";

describeEventSink("the live feed without clients", () => createSseHub({ log: createMemoryEventLog() }));

describeEventSink("the live feed with clients", () => {
  const hub = createSseHub({ log: createMemoryEventLog(), shutdownMs: 10 });
  hub.connect(new TestConnection());
  hub.connect(new TestConnection(), { filter: { jobIds: ["j"], workerIds: ["w"], sessionIds: ["s"] } });
  return hub;
});
