import { createForwardSink } from "../../../src/cli/forward-sink.ts";
import { describeEventSink } from "../../conformance/event-sink.ts";
import { startServer } from "./http-server.ts";

describeEventSink("the forward to a bridge", async () => {
  const url = await startServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  return createForwardSink({ target: { url, token: undefined } });
});
