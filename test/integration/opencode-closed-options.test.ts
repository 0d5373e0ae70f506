import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment, Settings } from "../../src/config.ts";
import { startHostTelemetry } from "../../src/host/opencode-telemetry.ts";
import { OpenCodeRig, tell, told } from "../fixtures/opencode-rig.ts";

const TOKEN = "a-token-for-tests";
const OFF_LOOPBACK = { host: "0.0.0.0", port: 0, token: TOKEN };
const CERT = { cert: "cert.pem" };

/** Starts the telemetry in memory; `served` is what it serves at once, if it serves anything. */
async function start(settings: object, env: Environment) {
  const served: string[] = [];
  const warned: string[] = [];
  const open = async (given: object, variables: Environment, onServing: (url: string) => void) =>
    await startHostTelemetry({
      env: { ORCHESTRA_DATA_FILE: "memory", ORCHESTRA_BRIDGE_PORT: "0", ...variables },
      settings: { traces: false, ...given } as Settings,
      redact: [],
      lateBridge: { after: Promise.resolve(), onServing },
      onWarning: (message) => warned.push(message),
    });
  const telemetry = await open(settings, env, (url) => served.push(url));
  // By the time this one is served, the other would be.
  const later = await new Promise<{ shutdown: () => Promise<void> }>((resolve, reject) => {
    const another = open({}, {}, () => void another.then(resolve));
    another.catch(reject);
  });
  await Promise.all([telemetry.shutdown(), later.shutdown()]);
  return { served, warned };
}

describe("what is to protect the feed and cannot be used", () => {
  const CASES: [is: string, path: string, settings: object, env?: Environment][] = [
    ["half of a certificate", "bridge.tls.key", { bridge: { ...OFF_LOOPBACK, tls: CERT } }],
    ["a certificate that is none", "bridge.tls", { bridge: { ...OFF_LOOPBACK, tls: true } }],
    ["an unknown part of one", "bridge.tls.ca", { bridge: { tls: { ...CERT, key: "key.pem", ca: "" } } }],
    [
      "half of a variable's certificate",
      "ORCHESTRA_BRIDGE_TLS_KEY",
      { bridge: OFF_LOOPBACK },
      { ORCHESTRA_BRIDGE_TLS_CERT: "cert.pem" },
    ],
    ["the other half", "ORCHESTRA_BRIDGE_TLS_CERT", {}, { ORCHESTRA_BRIDGE_TLS_KEY: "key.pem" }],
    ["a token", "bridge.token", { bridge: { token: "short" } }],
    ["a variable's token", "ORCHESTRA_TOKEN", {}, { ORCHESTRA_TOKEN: "short" }],
    ["a host", "bridge.host", { bridge: { host: "" } }],
    ["names of hosts", "bridge.allowedHosts", { bridge: { allowedHosts: "example.org" } }],
    ["an origin", "bridge.allowedOrigins.0", { bridge: { allowedOrigins: [1] } }],
    ["a switch", "bridge", { bridge: "off" }],
    ["no value", "bridge", { bridge: null }],
    ["a variable's switch", "ORCHESTRA_BRIDGE", {}, { ORCHESTRA_BRIDGE: "no" }],
  ];

  it.each(CASES)("is %s: then no feed is served", async (_, path, settings, env = {}) => {
    const { served, warned } = await start(settings, env);
    expect(warned).toEqual([expect.stringMatching(new RegExp(`\`${path}\`: .*; no feed is served$`))]);
    expect(served).toEqual([]);
  });

  it("is not a number of clients: that is left out", async () => {
    const { served, warned } = await start({ bridge: { maxClients: 0 } }, {});
    expect(warned).toEqual([expect.stringMatching(/`bridge\.maxClients`: .*; it is left out$/)]);
    expect(served).toEqual([expect.stringMatching(/^http:/)]);
  });
});

describe("with the plugin", () => {
  let rig: OpenCodeRig;

  beforeEach(async () => {
    rig = await OpenCodeRig.open();
  });

  afterEach(() => rig.close());

  it.each<[path: string, options: object, env: Environment]>([
    ["traces", { traces: "off" }, {}],
    ["OTEL_TRACES_EXPORTER", {}, { OTEL_TRACES_EXPORTER: "off" }],
    ["OTEL_SDK_DISABLED", {}, { OTEL_SDK_DISABLED: "yes" }],
  ])("no spans are sent when `%s` cannot be used", async (path, options, env) => {
    const { opencode } = await rigged(options, {
      ...env,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: rig.receiver.url,
    });
    expect(opencode).toEqual([expect.stringMatching(new RegExp(`\`${path}\`: .*; no spans are sent$`))]);
    expect(rig.receiver.spans).toEqual([]);
    expect(rig.stored()).toHaveLength(1);
  });

  it.each<[path: string, counts: string, options: object, env: Environment]>([
    ["captureContent", "false", { captureContent: "no" }, { ORCHESTRA_CAPTURE_CONTENT: "true" }],
    ["ORCHESTRA_CAPTURE_CONTENT", "false", { captureContent: true }, { ORCHESTRA_CAPTURE_CONTENT: "no" }],
    ["previewLength", "0", { previewLength: -1 }, { ORCHESTRA_PREVIEW_LENGTH: "100" }],
    ["ORCHESTRA_PREVIEW_LENGTH", "0", {}, { ORCHESTRA_PREVIEW_LENGTH: "all" }],
  ])("no text is let out when `%s` cannot be used: it counts as %s", async (path, counts, options, env) => {
    const { opencode } = await rigged({ traces: false, ...options }, env);
    expect(opencode).toEqual([expect.stringMatching(new RegExp(`\`${path}\`: .*; it counts as ${counts}$`))]);
    expect(rig.stored()).toMatchObject([{ status: "succeeded" }]);
    expect(rig.stored()[0]).not.toHaveProperty("responsePreview", expect.stringMatching(/./));
  });

  it.each([{ file: "x" }, { ORCHESTRA_TOKEN: TOKEN }])(
    "a job is told of with the option %j",
    async (option) => {
      await rigged({ traces: false, ...option }, {});
      expect(rig.stored()).toHaveLength(1);
    },
  );

  async function rigged(options: object, env: Environment) {
    const { hooks, opencode } = rig.start(
      { bridge: false, traces: undefined, ...options },
      undefined,
      undefined,
      env,
    );
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    return { opencode: opencode.log };
  }
});
