import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry } from "../../src/telemetry.ts";
import { rawRequest } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { createLogWith } from "../fixtures/publisher-rig.ts";

const TOKEN = "planted-secret-0123456789";
const GUESS = "planted-guess-9876543210";

let folder: string;
let telemetry: Telemetry;
/** Whatever was said to anybody. */
const said: string[] = [];
const say = (...words: unknown[]) => void said.push(words.map(String).join(" "));
const onWarning = (warning: Error) => say(warning.stack);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-secrets-"));
  process.on("warning", onWarning);
  diag.setLogger(
    { error: say, warn: say, info: say, debug: say, verbose: say },
    { logLevel: DiagLogLevel.ALL },
  );
  const log = createLogWith({}, createMemoryEventLog());
  telemetry = await startTelemetry({
    env: {},
    registry: new WorkerJobRegistry(),
    traces: false,
    log,
    logFile: join(folder, "log"),
    bridge: { port: 0, token: TOKEN, allowedOrigins: ["https://panel.example"] },
    onWarning: say,
  });
  // So that there are faults of ours to be told of.
  log.bounds = () => Promise.reject(new Error("The log is out of order"));
});

afterAll(async () => {
  await telemetry.shutdown();
  diag.disable();
  process.off("warning", onWarning);
  await rm(folder, { recursive: true });
});

const PATHS = [
  "/v1/events",
  "/v1/jobs",
  "/v1/jobs/j?content=1",
  "/v1/jobs/j/cancel",
  "/v1/session",
  "/v1/status",
];
const MORE_PATHS = ["/v1/schema", "/openapi.json", "/healthz", "/readyz", "/nowhere", "//", "/v1/%zz"];
const SECRETS = [
  ...[TOKEN, GUESS].flatMap((secret) => [
    `Authorization: Bearer ${secret}`,
    `Authorization: bearer  ${secret}`,
    `Authorization: Basic ${secret}`,
    `Authorization: ${secret}`,
    `Authorization: Bearer ${secret} ${secret}`,
    `Authorization: Bearer ${secret}\0`,
    `Cookie: orchestra_session_1=${secret}; token=${secret}`,
    `Proxy-Authorization: Bearer ${secret}`,
    `X-Token: ${secret}`,
  ]),
  `Authorization: Bearer ${TOKEN}\r\nContent-Type: text/plain`,
  `Authorization: Bearer ${TOKEN}\r\nOrigin: https://evil.example`,
  `Authorization: Bearer ${TOKEN}\r\nHost: evil.example`,
];
/** The last contradicts the one before. */
const BODIES = [
  ...["", "{", '{"reason":1}'],
  ...[1, 2].map(() => JSON.stringify(jobEvent("orchestra.job.created", "j"))),
];

/** Head without the method and path, which whoever sent them has himself. */
function requestsFor(path: string): string[] {
  const query = path.includes("?") ? "&" : "?";
  return [path, `${path}${query}token=${TOKEN}&access_token=${GUESS}`].flatMap((target) =>
    SECRETS.flatMap((secret) => [
      // A feed would not end.
      `HEAD ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${secret}\r\n\r\n`,
      `DELETE ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${secret}\r\n\r\n`,
      ...BODIES.map(
        (body) =>
          `POST ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${secret}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ),
    ]),
  );
}

it("shows no token in any answer, warning or log, whatever it is asked", { timeout: 120_000 }, async () => {
  const port = Number(new URL(telemetry.url as string).port);
  const statuses = new Set<number>();
  for (const request of [...PATHS, ...MORE_PATHS].flatMap(requestsFor)) {
    const { status, headers, body } = await rawRequest(port, request);
    statuses.add(status);
    say(headers, body);
  }
  await telemetry.flush();
  // All that there is to be refused, and what is not.
  expect([...statuses].sort()).toEqual(
    expect.arrayContaining([200, 202, 204, 400, 401, 403, 404, 405, 409, 415]),
  );
  say(JSON.stringify(telemetry.stats()));
  for (const file of await readdir(folder)) say(await readFile(join(folder, file), "utf8"));
  expect(said.length).toBeGreaterThan(1_000);
  const told = said.filter((text) => [TOKEN, GUESS].some((secret) => text.includes(secret)));
  expect(told).toEqual([]);
});

it.each([
  [{ token: "planted secret with spaces" }, "bridge.token"],
  [{ token: "short-planted" }, "bridge.token"],
  [{ host: "0.0.0.0", token: "planted-secret-0123456789", allowedOrigins: ["*"] }, "allowedOrigins"],
  [
    { token: "planted-secret-0123456789", tls: { cert: "planted-cert", key: "planted-key" } },
    "bridge.tls.cert",
  ],
  [
    {
      token: "planted-secret-0123456789",
      tls: { cert: readFileSync("test/fixtures/tls/cert.pem", "utf8"), key: "-----BEGIN planted" },
    },
    "tls",
  ],
])("does not start with %j, and does not show it", async (bridge, path) => {
  const refused = startTelemetry({ env: {}, traces: false, bridge: { port: 0, ...bridge } });
  const error = await refused.catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ code: "INVALID_CONFIG", path });
  expect(`${(error as Error).stack} ${(error as Error).cause}`).not.toContain("planted");
});
