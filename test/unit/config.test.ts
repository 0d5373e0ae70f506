import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  CONFIG_VARIABLES,
  type Environment,
  readConfig,
  readExporterConfig,
  type Settings,
} from "../../src/config.ts";
import { OrchestraError } from "../../src/errors.ts";

function refusal(env: Environment, settings?: Settings): OrchestraError {
  try {
    readConfig(env, settings);
    readExporterConfig(env, settings);
  } catch (error) {
    if (error instanceof OrchestraError) return error;
    throw error;
  }
  throw new Error("Expected the configuration to be refused");
}

describe("readConfig", () => {
  it("needs nothing", () => {
    expect(readConfig({})).toEqual({
      serviceName: "unknown_service:node",
      resourceAttributes: {},
      sdkDisabled: false,
      traces: true,
      exceptionSignal: "span",
      bridge: {
        host: "127.0.0.1",
        port: 4319,
        portIsDefault: true,
        token: undefined,
        allowedHosts: [],
        allowedOrigins: [],
        maxClients: 1_000,
        writesPerSecond: 1_000,
        join: false,
        http2: undefined,
        traceUrl: undefined,
      },
      dataFile: { retention: {} },
      logFile: undefined,
      logCapacity: 10_000,
      captureContent: false,
      previewLength: 200,
    });
  });

  it("is frozen", () => {
    expect(readExporterConfig({})).toSatisfy(Object.isFrozen);
    expect(readConfig({})).toSatisfy(Object.isFrozen);
  });

  it("reads the standard OTel variables", () => {
    const env = {
      OTEL_SERVICE_NAME: "orders",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test, team=a%20b",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/base/",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20eDp5,x=1=2",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_TIMEOUT: "500",
    };
    expect(readConfig(env)).toMatchObject({
      serviceName: "orders",
      resourceAttributes: { "deployment.environment.name": "test", team: "a b" },
    });
    expect(readExporterConfig(env)).toEqual({
      url: "http://collector:4318/base/v1/traces",
      headers: { authorization: "Basic eDp5", x: "1=2" },
      protocol: "http/protobuf",
      timeoutMs: 500,
      outbox: {},
    });
  });

  it.each([
    [
      "the code",
      { OTEL_SERVICE_NAME: "env", OTEL_RESOURCE_ATTRIBUTES: "service.name=resource" },
      "code",
      "code",
    ],
    [
      "its own variable",
      { OTEL_SERVICE_NAME: "env", OTEL_RESOURCE_ATTRIBUTES: "service.name=resource" },
      undefined,
      "env",
    ],
    ["the resource attributes", { OTEL_RESOURCE_ATTRIBUTES: "service.name=resource" }, undefined, "resource"],
  ])("takes the service's name from %s", (_source, env, serviceName, expected) => {
    expect(readConfig(env, { serviceName }).serviceName).toBe(expected);
  });

  it("lets the variables of the traces signal win over the general ones", () => {
    const exporter = readExporterConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://general:4318",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces/ingest",
      OTEL_EXPORTER_OTLP_HEADERS: "a=general",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=traces",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_TIMEOUT: "1",
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "2",
    });
    expect(exporter).toEqual({
      url: "https://traces/ingest",
      headers: { a: "traces" },
      protocol: "http/protobuf",
      timeoutMs: 2,
      outbox: {},
    });
  });

  it.each([
    ["logs", "logs"],
    ["logs/dup", "both"],
    ["something new", "span"],
  ])("takes exception signal `%s` as %s", (optIn, exceptionSignal) => {
    expect(readConfig({ OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: optIn })).toMatchObject({ exceptionSignal });
  });

  it("reads our own variables", () => {
    const config = readConfig({
      ORCHESTRA_BRIDGE_HOST: "0.0.0.0",
      ORCHESTRA_BRIDGE_PORT: "8080",
      ORCHESTRA_TOKEN: "0123456789abcdef",
      ORCHESTRA_ALLOWED_HOSTS: "a.example, b.example",
      ORCHESTRA_ALLOWED_ORIGINS: "https://a.example",
      ORCHESTRA_MAX_CLIENTS: "5000",
      ORCHESTRA_DATA_FILE: "/tmp/jobs.db",
      ORCHESTRA_LOG_FILE: "/tmp/jobs.log",
      ORCHESTRA_LOG_CAPACITY: "5",
      ORCHESTRA_CAPTURE_CONTENT: "true",
      ORCHESTRA_PREVIEW_LENGTH: "0",
    });
    expect(config).toMatchObject({
      bridge: {
        host: "0.0.0.0",
        port: 8080,
        portIsDefault: false,
        token: "0123456789abcdef",
        allowedHosts: ["a.example", "b.example"],
        allowedOrigins: ["https://a.example"],
        maxClients: 5_000,
      },
      dataFile: { file: "/tmp/jobs.db" },
      logFile: "/tmp/jobs.log",
      logCapacity: 5,
      captureContent: true,
      previewLength: 0,
    });
  });

  it("reads how the bridge is encrypted, and which versions of HTTP it speaks", () => {
    const tls = { ORCHESTRA_BRIDGE_TLS_CERT: "cert.pem", ORCHESTRA_BRIDGE_TLS_KEY: "key.pem" };
    const files = { cert: "cert.pem", key: "key.pem" };
    expect(readConfig(tls).bridge).toMatchObject({ tls: files, http2: undefined });
    expect(readConfig({ ...tls, ORCHESTRA_BRIDGE_HTTP2: "off" }).bridge).toMatchObject({
      tls: files,
      http2: false,
    });
    expect(readConfig({ ORCHESTRA_BRIDGE_HTTP2: "on" }).bridge).toMatchObject({
      tls: undefined,
      http2: true,
    });
    expect(readConfig(tls, { bridge: { tls: { cert: "c", key: "k" }, http2: false } }).bridge).toMatchObject({
      tls: { cert: "c", key: "k" },
      http2: false,
    });
    expect(readConfig({ ORCHESTRA_WRITES_PER_SECOND: "7" }).bridge).toMatchObject({ writesPerSecond: 7 });
  });

  it("reads where a trace is shown", () => {
    const [env, code] = [
      "http://localhost:16686/trace/{traceId}",
      "https://t.example/?t={traceId}&s={spanId}",
    ];
    expect(readConfig({ ORCHESTRA_TRACE_URL: env }).bridge?.traceUrl).toBe(env);
    const both = readConfig({ ORCHESTRA_TRACE_URL: env }, { bridge: { traceUrl: code } });
    expect(both.bridge?.traceUrl).toBe(code);
  });

  it.each([
    "http://localhost:16686/trace/",
    "localhost:16686/trace/{traceId}",
    "{traceId}",
    "//t.example/{traceId}",
    "javascript:alert('{traceId}')",
    "javascript://t.example/%0aalert('{traceId}')",
    "data:text/html,{traceId}",
    "http://t.example/{traceid}",
  ])("refuses %s as the place of traces, in code and in the environment", (traceUrl) => {
    const expected = "expected an http:// or https:// URL with {traceId} in it";
    const path = "bridge.traceUrl";
    expect(refusal({ ORCHESTRA_TRACE_URL: traceUrl })).toMatchObject({
      path: "ORCHESTRA_TRACE_URL",
      message: `Environment variable \`ORCHESTRA_TRACE_URL\`: ${expected}`,
    });
    expect(refusal({}, { bridge: { traceUrl } })).toMatchObject({
      path,
      message: `Option \`${path}\`: ${expected}`,
    });
  });

  it.each([
    [{ ORCHESTRA_BRIDGE_TLS_CERT: "cert.pem" }, "ORCHESTRA_BRIDGE_TLS_KEY"],
    [{ ORCHESTRA_BRIDGE_TLS_KEY: "key.pem" }, "ORCHESTRA_BRIDGE_TLS_CERT"],
  ])("refuses half of a certificate (%j), naming what is missing", (env, path) => {
    expect(refusal(env)).toMatchObject({ code: "INVALID_CONFIG", path });
  });

  it("reads what the data file keeps, and what waits for delivery", () => {
    const env = {
      ORCHESTRA_DATA_FILE: "/tmp/jobs.db",
      ORCHESTRA_DATA_SYNCHRONOUS: "full",
      ORCHESTRA_DATA_BUSY_TIMEOUT_MS: "0",
      ORCHESTRA_DATA_MAX_WAITING: "1",
      ORCHESTRA_DATA_MAX_AGE_MS: "2",
      ORCHESTRA_DATA_MAX_EVENTS: "3",
      ORCHESTRA_DATA_MAX_BYTES: "4",
      ORCHESTRA_OUTBOX_MAX_BYTES: "5",
      ORCHESTRA_OUTBOX_MAX_MEMORY_BYTES: "6",
      ORCHESTRA_OUTBOX_MAX_DEAD_LETTER_BYTES: "0",
      ORCHESTRA_OUTBOX_MAX_UNSAVED_SPANS: "7",
      ORCHESTRA_OUTBOX_MAX_BATCH_SPANS: "8",
      ORCHESTRA_OUTBOX_MAX_BATCH_BYTES: "9",
    };
    const dataFile = {
      file: "/tmp/jobs.db",
      synchronous: "full",
      busyTimeoutMs: 0,
      maxWaiting: 1,
      retention: { maxAgeMs: 2, maxEvents: 3, maxBytes: 4 },
    } as const;
    const outbox = {
      maxBytes: 5,
      maxMemoryBytes: 6,
      maxDeadLetterBytes: 0,
      maxUnsavedSpans: 7,
      maxBatchSpans: 8,
      maxBatchBytes: 9,
    };
    expect(readConfig(env).dataFile).toEqual(dataFile);
    expect(readExporterConfig(env).outbox).toEqual(outbox);
    const settings = { dataFile, traces: { outbox } };
    expect(readConfig({}, settings).dataFile).toEqual(dataFile);
    expect(readExporterConfig({}, settings).outbox).toEqual(outbox);
  });

  it("lets a limit of the code and a file of the environment meet", () => {
    const env = {
      ORCHESTRA_DATA_FILE: "env.db",
      ORCHESTRA_DATA_MAX_EVENTS: "1",
      ORCHESTRA_DATA_MAX_BYTES: "2",
    };
    expect(readConfig(env, { dataFile: { retention: { maxEvents: 9 } } }).dataFile).toMatchObject({
      file: "env.db",
      retention: { maxEvents: 9, maxBytes: 2 },
    });
    expect(readConfig(env, { dataFile: "code.db" }).dataFile).toMatchObject({
      file: "code.db",
      retention: { maxEvents: 1 },
    });
  });

  it("takes an empty variable as unset", () => {
    const empty = Object.fromEntries(CONFIG_VARIABLES.map((name) => [name, ""]));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });

  it("lets options win over variables, and undefined options not count", () => {
    const env = { OTEL_SERVICE_NAME: "env", ORCHESTRA_BRIDGE_PORT: "1", ORCHESTRA_LOG_CAPACITY: "1" };
    const config = readConfig(env, {
      serviceName: "code",
      bridge: { port: 0, host: undefined },
      logCapacity: undefined,
    });
    expect(config).toMatchObject({
      serviceName: "code",
      bridge: { port: 0, host: "127.0.0.1", portIsDefault: false },
      logCapacity: 1,
    });
  });

  it("lets options of the exporter win over variables", () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://env:4318", OTEL_EXPORTER_OTLP_TIMEOUT: "1" };
    const traces = { url: "http://code/", timeoutMs: undefined, exceptionSignal: "logs" } as const;
    expect(readExporterConfig(env, { traces })).toMatchObject({ url: "http://code/", timeoutMs: 1 });
    expect(readConfig(env, { traces }).exceptionSignal).toBe("logs");
  });

  it("leaves a host's own exporter variables alone", () => {
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_TRACES_EXPORTER: "console" };
    expect(readConfig(env).traces).toBe(true);
  });

  it.each([
    ["traces", { OTEL_SDK_DISABLED: "true" }, { traces: { url: "http://x/" } }],
    ["traces", { OTEL_TRACES_EXPORTER: "none" }, {}],
    ["traces", {}, { traces: false }],
    ["bridge", { ORCHESTRA_BRIDGE: "off" }, { bridge: { port: 1 } }],
    ["bridge", {}, { bridge: false }],
  ] as const)("can switch %s off: %j %j", (part, env, settings) => {
    expect(readConfig(env, settings)[part]).toBeFalsy();
  });

  it.each([
    ["OTEL_SDK_DISABLED", "maybe", "expected true, false, 1, 0, on or off"],
    ["OTEL_RESOURCE_ATTRIBUTES", "novalue", "expected key=value pairs, comma-separated"],
    ["OTEL_RESOURCE_ATTRIBUTES", "=x", "expected key=value pairs, comma-separated"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a=%zz", "expected key=value pairs, comma-separated"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a b=c", "expected header names as keys"],
    ["OTEL_TRACES_EXPORTER", "console", "expected otlp or none"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "expected an http:// or https:// URL"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "expected http/json or http/protobuf"],
    ["OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "expected a whole number from 1 to 600000"],
    ["ORCHESTRA_BRIDGE_PORT", "65536", "expected a whole number from 0 to 65535"],
    ["ORCHESTRA_BRIDGE_PORT", "-1", "expected a whole number from 0 to 65535"],
    ["ORCHESTRA_TOKEN", "short", "expected at least 16 visible ASCII characters, without spaces"],
    [
      "ORCHESTRA_TOKEN",
      "sixteen chars or so",
      "expected at least 16 visible ASCII characters, without spaces",
    ],
    ["ORCHESTRA_DATA_SYNCHRONOUS", "always", "expected one of off, normal, full"],
    ["ORCHESTRA_DATA_BUSY_TIMEOUT_MS", "1s", "expected a whole number from 0 to 60000"],
    ["ORCHESTRA_DATA_MAX_BYTES", "1GiB", "expected a whole number from 1"],
    ["ORCHESTRA_DATA_MAX_EVENTS", "0", "expected a whole number from 1"],
    ["ORCHESTRA_OUTBOX_MAX_BYTES", "99999999999999999", "expected a whole number from 1"],
    ["ORCHESTRA_OUTBOX_MAX_DEAD_LETTER_BYTES", "-1", "expected a whole number from 0"],
    ["ORCHESTRA_LOG_CAPACITY", "many", "expected a whole number from 1 to 10000000"],
  ])("refuses %s=%s by name", (name, value, expected) => {
    const error = refusal({ [name]: value });
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: name });
    expect(error.message).toBe(`Environment variable \`${name}\`: ${expected}`);
  });

  it("does not repeat a refused value, which may be a secret", () => {
    expect(refusal({ ORCHESTRA_TOKEN: "hunter2" }).message).not.toContain("hunter2");
  });

  it.each([
    [{ bridge: { port: "4319" } }, "bridge.port"],
    [{ bridge: true }, "bridge"],
    [{ bridge: { maxClients: 0 } }, "bridge.maxClients"],
    ["nonsense", "options"],
    [{ traces: { headers: { "a b": "c" } } }, "traces.headers"],
    [{ servicename: "typo" }, "servicename"],
    [{ traces: { endpoint: "http://x" } }, "traces.endpoint"],
    [{ traces: { url: "nowhere" } }, "traces.url"],
    [{ dataFile: "" }, "dataFile.file"],
    [{ dataFile: 1 }, "dataFile"],
    [{ dataFile: { synchronous: "always" } }, "dataFile.synchronous"],
    [{ dataFile: { busyTimeoutMs: 60_001 } }, "dataFile.busyTimeoutMs"],
    [{ dataFile: { retention: { maxEvents: 0.5 } } }, "dataFile.retention.maxEvents"],
    [{ dataFile: { maxEvents: 1 } }, "dataFile.maxEvents"],
    [{ traces: { outbox: { maxBytes: 0 } } }, "traces.outbox.maxBytes"],
    [{ traces: { outbox: { maxDeadLetterBytes: -1 } } }, "traces.outbox.maxDeadLetterBytes"],
    [{ traces: { outbox: { maxbytes: 1 } } }, "traces.outbox.maxbytes"],
    [{ logCapacity: 0 }, "logCapacity"],
    [{ previewLength: -1 }, "previewLength"],
  ])("refuses the options %j, naming %s", (settings, path) => {
    expect(refusal({}, settings as Settings)).toMatchObject({ code: "INVALID_CONFIG", path });
  });
});

describe("the configuration table of the README, and that of limits", () => {
  const readme = readFileSync("README.md", "utf8") + readFileSync("docs/operate.md", "utf8");

  it.each(CONFIG_VARIABLES)("has %s", (name) => {
    const shortened = name.replace("OTEL_EXPORTER_OTLP", "…").replace("…_TRACES", "…_TRACES");
    expect(readme).toSatisfy(
      (text: string) => text.includes(`\`${name}\``) || text.includes(`\`${shortened}\``),
    );
  });
});
