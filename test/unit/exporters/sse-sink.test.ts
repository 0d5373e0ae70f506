import { createSseHub } from "../../../exporters/sse.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { describeEventSink, describeIdleEventSink } from "../../conformance/event-sink.ts";
import { EVENT_EXAMPLES } from "../../fixtures/event-examples.ts";
import { TestConnection } from "../../fixtures/sse-connection.ts";

describeIdleEventSink("the live feed without clients", () => createSseHub({ log: createMemoryEventLog() }));

describeEventSink("the live feed with clients", () => {
  const sink = createSseHub({ log: createMemoryEventLog(), shutdownMs: 10 });
  const [all, some] = [new TestConnection(), new TestConnection()];
  sink.connect(all);
  const { jobId } = EVENT_EXAMPLES["orchestra.job.created"];
  sink.connect(some, { filter: sink.compile({ jobIds: [jobId] }) });
  const idsOf = (connection: TestConnection) => new Set(connection.read().events.map(({ id }) => id));
  return {
    sink,
    delivered: (records) => {
      const got = idsOf(all);
      return records.filter(({ cursor }) => got.has(cursor)).length;
    },
  };
});
