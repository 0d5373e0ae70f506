import { createForwardSink } from "../../../src/cli/forward-sink.ts";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import { describeEventSink } from "../../conformance/event-sink.ts";
import { bodyOf, startServer } from "./http-server.ts";

describeEventSink("the forward to a bridge", async () => {
  const received = new Set<string>();
  const url = await startServer(async (request, response) => {
    for (const line of (await bodyOf(request)).split("\n").filter(Boolean)) {
      received.add((JSON.parse(line) as OrchestratorEvent).id);
    }
    response.end("{}");
  });
  return {
    sink: createForwardSink({ target: { url, token: undefined } }),
    delivered: (records) => records.filter(({ event }) => received.has(event.id)).length,
  };
});
