import { describe, expect, test } from "vitest";
import { examineConfiguration } from "../../../src/cli/doctor-configuration.ts";
import { CONFIG_VARIABLES } from "../../../src/config.ts";

const SECRET = "a-secret-of-some-length";

function examine(env: Record<string, string>) {
  const { findings, ...rest } = examineConfiguration(env);
  return { ...rest, lines: findings.map(({ status, text }) => `${status}: ${text}`) };
}

describe("a variable that is set", () => {
  test.each([
    [{ ORCHESTRA_DATA_FILE: "/data/orchestra.db" }, "ORCHESTRA_DATA_FILE = /data/orchestra.db"],
    [{ ORCHESTRA_LOG_CAPACITY: "500" }, "ORCHESTRA_LOG_CAPACITY = 500"],
    [{ ORCHESTRA_LOG_CAPACITY: "10000" }, "ORCHESTRA_LOG_CAPACITY = 10000, which is the default"],
    [
      { ORCHESTRA_DATA_MAX_EVENTS: "0500" },
      "ORCHESTRA_DATA_MAX_EVENTS = 0500, read as dataFile.retention.maxEvents 500",
    ],
    [{ ORCHESTRA_OUTBOX_MAX_BYTES: "500" }, "ORCHESTRA_OUTBOX_MAX_BYTES = 500"],
    [{ ORCHESTRA_BRIDGE: "0" }, "ORCHESTRA_BRIDGE = 0, read as bridge off"],
    [
      { ORCHESTRA_ALLOWED_HOSTS: "a.example,,b.example" },
      "ORCHESTRA_ALLOWED_HOSTS = a.example,,b.example, read as bridge.allowedHosts a.example, b.example",
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel:4318/" },
      "OTEL_EXPORTER_OTLP_ENDPOINT = http://otel:4318/, read as traces.url http://otel:4318/v1/traces",
    ],
    [
      { OTEL_RESOURCE_ATTRIBUTES: "service.name=a%20b" },
      "OTEL_RESOURCE_ATTRIBUTES = service.name=a%20b, read as serviceName a b, resourceAttributes.service.name a b",
    ],
  ])("%j is shown as it was read", (env, line) => {
    expect(examine(env).lines).toEqual([`ok: ${line}`]);
  });

  test("is said to be without effect when another wins", () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:1",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b:2/v1/traces",
    };
    expect(examine(env).lines).toEqual([
      "ok: OTEL_EXPORTER_OTLP_ENDPOINT = http://a:1, has no effect: another variable wins",
      "ok: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://b:2/v1/traces",
    ]);
  });

  test("keeps its secret", () => {
    const { lines } = examine({
      ORCHESTRA_TOKEN: SECRET,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${SECRET}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${SECRET}@otel:4318/path?key=${SECRET}`,
    });
    expect(lines.join("\n")).not.toContain(SECRET);
    expect(lines).toContain("ok: ORCHESTRA_TOKEN = (hidden), read as bridge.token (hidden)");
    expect(lines).toContain(
      "ok: OTEL_EXPORTER_OTLP_HEADERS = (hidden), read as traces.headers.authorization (hidden)",
    );
  });

  test("is told of when it is empty by nobody, as it counts as unset", () => {
    const nothing = Object.fromEntries(CONFIG_VARIABLES.map((name) => [name, ""]));
    expect(examine({ ...nothing, PATH: "/bin" }).lines).toEqual([
      "note: No variable is set: the defaults apply",
    ]);
  });
});

describe("a variable that cannot be used", () => {
  test("is named with what was expected, one line each, without its value", () => {
    const { lines } = examine({
      ORCHESTRA_BRIDGE_PORT: "http",
      ORCHESTRA_TOKEN: "short",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    });
    expect(lines).toEqual([
      "broken: Environment variable `ORCHESTRA_BRIDGE_PORT`: expected a whole number from 0 to 65535",
      expect.stringMatching(/^broken: .*`ORCHESTRA_TOKEN`: expected at least 16 visible/),
      "broken: Environment variable `OTEL_EXPORTER_OTLP_PROTOCOL`: expected http/json or http/protobuf",
    ]);
  });

  test("does not keep the others from being used", () => {
    const { config, exporter } = examine({ ORCHESTRA_BRIDGE_PORT: "http", ORCHESTRA_DATA_FILE: "x.db" });
    expect(config).toMatchObject({ dataFile: { file: "x.db" }, bridge: { port: 4319 } });
    expect(exporter).toMatchObject({ url: "http://localhost:4318/v1/traces" });
  });

  test("leaves no place to send spans to when it was to say which", () => {
    expect(examine({ OTEL_EXPORTER_OTLP_ENDPOINT: "otel:4318" }).exporter).toBeUndefined();
  });

  test("is found by its misspelt name", () => {
    expect(examine({ ORCHESTRA_DATAFILE: "x", ORCHESTRA_DB: "y", ORCHESTRA_JOB_ID: "j" }).lines).toEqual([
      "broken: ORCHESTRA_DATAFILE is read by nothing: ORCHESTRA_DATA_FILE is",
      "broken: ORCHESTRA_DB is read by nothing: is it misspelt?",
    ]);
  });

  test("is a host that others can reach, without a token", () => {
    const open = { ORCHESTRA_BRIDGE_HOST: "0.0.0.0" };
    expect(examine(open).lines).toContainEqual(
      expect.stringMatching(/^broken: ORCHESTRA_BRIDGE_HOST = 0\.0\.0\.0 .* ORCHESTRA_TOKEN must be set/),
    );
    expect(examine({ ...open, ORCHESTRA_TOKEN: SECRET }).lines).not.toContainEqual(
      expect.stringContaining("broken"),
    );
  });
});

test("variables of OpenTelemetry that are somebody else's are named", () => {
  expect(examine({ OTEL_METRICS_EXPORTER: "otlp", OTEL_BSP_SCHEDULE_DELAY: "1" }).lines).toEqual([
    "note: Not read by orchestra-otel: OTEL_BSP_SCHEDULE_DELAY, OTEL_METRICS_EXPORTER",
  ]);
});
