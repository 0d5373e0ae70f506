import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { examineReceiver } from "../../../src/cli/doctor-receiver.ts";
import {
  type ExporterConfig,
  type OtlpProtocol,
  readConfig,
  readExporterConfig,
} from "../../../src/config.ts";
import type { ScriptedReply } from "../../fixtures/otlp-receiver.ts";
import { openReceiver } from "../../fixtures/outbox-rig.ts";
import { deadUrl } from "./http-server.ts";

function examine(exporter: Partial<ExporterConfig> | undefined, env: Record<string, string> = {}) {
  const config = readConfig({ OTEL_SERVICE_NAME: "orchestrator", ...env });
  return examineReceiver(config, exporter && { ...readExporterConfig({}), ...exporter }, () => 0);
}

describe("the test span", () => {
  test.each<OtlpProtocol>(["http/json", "http/protobuf"])("is acknowledged over %s", async (protocol) => {
    const receiver = await openReceiver();
    const headers = { "x-tenant": "t" };

    const { status, text, facts } = await examine({ url: receiver.url, protocol, headers });

    expect(status).toBe("ok");
    expect(text).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/v1\/traces took the test span orchestra\.doctor in \d+ ms$/,
    );
    expect(facts).toEqual({ url: receiver.url, protocol, durationMs: expect.any(Number) });
    expect(receiver.spans).toMatchObject([{ name: "orchestra.doctor" }]);
    expect(receiver.requests).toMatchObject([{ headers }]);
  });

  test("is not sent when spans are switched off", async () => {
    expect(await examine({}, { OTEL_TRACES_EXPORTER: "none" })).toMatchObject({ status: "note" });
  });

  test("is not sent when it is not known where to", async () => {
    expect(await examine(undefined)).toMatchObject({
      status: "broken",
      text: "No test span was sent: see the configuration",
    });
  });
});

describe("what keeps spans from being delivered is told in words", () => {
  const partial: ScriptedReply = {
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"partialSuccess":{"rejectedSpans":1,"errorMessage":"quota"}}',
  };
  test.each<[string, ScriptedReply]>([
    ["answered HTTP 401: are the OTEL_EXPORTER_OTLP_HEADERS right?", { status: 401 }],
    ["answered HTTP 404: is it an OTLP receiver, and the path its own?", { status: 404 }],
    ["answered HTTP 415: does it take the OTEL_EXPORTER_OTLP_PROTOCOL?", { status: 415 }],
    [
      "answered HTTP 503: no room, and asks to be left alone for 2 minutes",
      { status: 503, headers: { "retry-after": "120", "content-type": "text/plain" }, body: "no room" },
    ],
    ["answered, but rejected the span: quota", partial],
    ["cut off the connection", "reset"],
    ["does not answer in HTTP: is it the port of OTLP over gRPC?", "garbage"],
    ["cannot be reached: no answer within 50 ms", "hang"],
  ])("%s", async (words, reply) => {
    const receiver = await openReceiver();
    receiver.script(reply);

    const { status, text } = await examine({ url: receiver.url, timeoutMs: 50 });

    expect(status).toBe("broken");
    expect(text).toBe(`${receiver.url} ${words}`);
  });

  test("nobody listens", async () => {
    const url = await deadUrl();
    expect(await examine({ url: `${url}/v1/traces` })).toMatchObject({
      status: "broken",
      text: `connection refused by ${url}: is a collector running?`,
    });
  });

  test("no such host", async () => {
    const { text } = await examine({ url: "http://nobody.invalid/v1/traces" });
    expect(text).toMatch(/nobody\.invalid/);
  });

  test("TLS where there is none", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { text } = await examine({ url: `https://127.0.0.1:${port}/v1/traces` });
    expect(text).toBe(`https://127.0.0.1:${port}/v1/traces does not speak TLS: is it meant to be http://?`);
  });
});
