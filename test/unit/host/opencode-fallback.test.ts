import { describe, expect, it } from "vitest";
import { type Environment, readConfig, type Settings } from "../../../src/config.ts";
import { OrchestraError } from "../../../src/errors.ts";
import { withUsable } from "../../../src/host/opencode-fallback.ts";

async function usable(settings: object, env: Environment = {}) {
  const problems: string[] = [];
  const given = { env, settings: settings as Settings };
  const config = await withUsable(
    given,
    (left) => readConfig(left.env, left.settings),
    (problem) => problems.push(problem),
  );
  return { config, problems };
}

describe("what can be used of options and variables", () => {
  it("is all of it, with the plugin's defaults", async () => {
    const { config, problems } = await usable({ bridge: { port: 1 } }, { XDG_STATE_HOME: "/state" });
    expect(config).toMatchObject({
      serviceName: "opencode",
      bridge: { port: 1, join: true },
      dataFile: { file: "/state/orchestra-otel/opencode.db" },
    });
    expect(problems).toEqual([]);
  });

  it.each<[settings: object, env: Environment]>([
    [{ bridge: { host: "0.0.0.0", token: "a-token-for-tests", tls: { cert: "cert.pem" } } }, {}],
    [{ bridge: { token: "a-token-for-tests" } }, { ORCHESTRA_TOKEN: "short" }],
    [{ bridge: { tls: { cert: "cert.pem", key: 1 } } }, {}],
    [{ bridge: { port: 1 } }, { ORCHESTRA_BRIDGE_TLS_CERT: "cert.pem" }],
    [{}, { ORCHESTRA_BRIDGE: "no" }],
    [{ bridge: "off" }, {}],
    [{ bridge: null }, {}],
    [{ bridge: [] }, {}],
  ])("is no bridge that %j and %j were to protect", async (settings, env) => {
    const { config, problems } = await usable(settings, env);
    expect(config.bridge).toBeUndefined();
    expect(problems).toEqual([expect.stringMatching(/; no feed is served$/)]);
  });

  it.each<[settings: object, env: Environment]>([
    [{ traces: "off" }, {}],
    [{ traces: null }, {}],
    [{}, { OTEL_SDK_DISABLED: "yes" }],
  ])("is no trace when %j and %j may have switched them off", async (settings, env) => {
    const { config, problems } = await usable(settings, env);
    expect(config.traces).toBe(false);
    expect(problems).toEqual([expect.stringMatching(/; no spans are sent$/)]);
  });

  it("is the rest when one has nothing to protect", async () => {
    const { config, problems } = await usable(
      { bridge: { prot: 1, port: 1 }, traces: { url: "x" }, dataFile: null },
      { ORCHESTRA_MAX_CLIENTS: "many" },
    );
    expect(config).toMatchObject({ bridge: { port: 1, maxClients: 1_000 }, traces: true });
    expect(problems).toHaveLength(4);
    for (const problem of problems) expect(problem).toMatch(/; it is left out$/);
  });

  it.each([
    new Error("no option"),
    new OrchestraError("UNAVAILABLE", "no path"),
    new OrchestraError("INVALID_CONFIG", "not given", { path: "other" }),
  ])("is not what is at fault for %j", async (error) => {
    const problems: string[] = [];
    const fail = () => Promise.reject(error);
    await expect(
      withUsable({ env: {}, settings: {} }, fail, (problem) => problems.push(problem)),
    ).rejects.toBe(error);
    expect(problems).toEqual([]);
  });

  it("ends also when what protects is at fault for ever", async () => {
    const error = new OrchestraError("INVALID_CONFIG", "closed already", { path: "bridge.token" });
    const problems: string[] = [];
    const fail = () => Promise.reject(error);
    const given = { env: {}, settings: { bridge: { port: 1 } } };
    await expect(withUsable(given, fail, (problem) => problems.push(problem))).rejects.toBe(error);
    expect(problems).toEqual(["closed already; no feed is served"]);
  });
});
