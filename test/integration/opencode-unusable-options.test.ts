import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OpenCodeRig, TestOpenCode, tell, told } from "../fixtures/opencode-rig.ts";
import { jobsOf, readStoredLog } from "../torture/stored-log.ts";

let rig: OpenCodeRig;

beforeEach(async () => {
  rig = await OpenCodeRig.open();
});

afterEach(() => rig.close());

describe("options that cannot be used", () => {
  it("are told of in OpenCode's log and in the feed, and left out", async () => {
    const { hooks, opencode } = rig.start({
      nonsense: 1,
      logCapacity: -1,
      bridge: { port: 0, prot: 1 },
      propagate: { x: 1 },
    });
    await opencode.feed();
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    const problems = ["propagate.x", "bridge.prot", "logCapacity", "nonsense"];
    for (const path of problems) expect(opencode.log.join("\n")).toContain(`Option \`${path}\``);
    expect(rig.errors()).toHaveLength(problems.length);
    expect(rig.spanNames()).toEqual(["chat fake-1", "invoke_agent build"]);
  });

  it("may be as many as they like", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `nonsense${index}`);
    const { hooks } = rig.start(Object.fromEntries(names.map((name) => [name, 1])));
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    expect(rig.errors()).toHaveLength(30);
    expect(rig.stored()).toHaveLength(1);
  });

  it("may be all of them", async () => {
    const opencode = new TestOpenCode();
    const env = { XDG_STATE_HOME: rig.folder, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: rig.receiver.url };
    const hooks = rig.hooksOf(opencode.input, ["dataFile", "bridge"], {
      ...env,
      ORCHESTRA_BRIDGE_PORT: "0",
    });
    await opencode.feed();
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    const message = "Option `options`: expected an object";
    expect(opencode.log[0]).toBe(`orchestra-otel: ${message}`);
    const { events } = readStoredLog(join(rig.folder, "orchestra-otel", "opencode.db"));
    expect(events.map(({ event }) => event.data)).toContainEqual(expect.objectContaining({ message }));
  });

  it("may be the bridge", async () => {
    const { hooks } = rig.start({ bridge: 4319 });
    await hooks.dispose?.();
    expect(rig.errors()).toEqual([expect.stringMatching(/^Option `bridge`: .*; no feed is served$/)]);
  });

  const PLACES: [is: string, options: object, env: Record<string, string>][] = [
    ["a folder", { dataFile: "folder" }, {}],
    ["no text", { dataFile: 1 }, {}],
    ["where none can be made", { dataFile: { file: "file/x.db", maxWaiting: 10 } }, {}],
    ["a variable's folder", {}, { ORCHESTRA_DATA_FILE: "folder" }],
    ["both", { dataFile: "file/x.db" }, { ORCHESTRA_DATA_FILE: "folder" }],
  ];

  it.each(PLACES)(
    "may be a data file that is %s: it is in the state directory then",
    async (_, options, env) => {
      const opencode = new TestOpenCode();
      mkdirSync(join(rig.folder, "folder"));
      writeFileSync(join(rig.folder, "file"), "");
      const placed = placedIn(rig.folder, { traces: { url: rig.receiver.url }, bridge: false, ...options });
      const variables = placedIn(rig.folder, { ...env, XDG_STATE_HOME: rig.folder });
      const hooks = rig.hooksOf(opencode.input, placed, variables);
      await tell(hooks, told("plain"));
      await hooks.dispose?.();
      const log = readStoredLog(join(rig.folder, "orchestra-otel", "opencode.db"));
      expect(jobsOf(log).size).toBe(1);
      const problems = log.events.filter(({ event }) => event.type === "orchestra.error");
      const given = Object.keys(options).length + Object.keys(env).length;
      expect(problems).toHaveLength(given);
      expect(opencode.log).toEqual(Array(given).fill(expect.stringMatching(/; it is left out$/)));
    },
  );

  it("may be variables", async () => {
    const opencode = new TestOpenCode();
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", ORCHESTRA_DATA_FILE: rig.dataFile };
    const hooks = rig.hooksOf(
      opencode.input,
      { bridge: { port: 0 }, traces: { url: rig.receiver.url } },
      env,
    );
    await opencode.feed();
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    expect(opencode.log.join("\n")).toContain("`OTEL_EXPORTER_OTLP_PROTOCOL`");
    expect(rig.spanNames()).toEqual(["chat fake-1", "invoke_agent build"]);
    expect(rig.stored()).toHaveLength(1);
  });

  it("are not needed: the data file is in the state directory then", async () => {
    const opencode = new TestOpenCode();
    const env = { XDG_STATE_HOME: rig.folder, HOME: "/nonexistent" };
    const hooks = rig.hooksOf(opencode.input, { bridge: false, traces: { url: rig.receiver.url } }, env);
    await tell(hooks, told("plain"));
    await hooks.dispose?.();
    expect(jobsOf(readStoredLog(join(rig.folder, "orchestra-otel", "opencode.db"))).size).toBe(1);
    expect(rig.receiver.spans.map(({ resource }) => resource["service.name"])).toContain("opencode");
  });

  it("may be the state directory, of which OpenCode's log tells", async () => {
    const opencode = new TestOpenCode();
    const file = join(rig.folder, "file");
    writeFileSync(file, "");
    const hooks = rig.hooksOf(opencode.input, { bridge: false, traces: false }, { XDG_STATE_HOME: file });
    await hooks.dispose?.();
    expect(opencode.log).toEqual([
      expect.stringMatching(/opencode\.db cannot be opened: .*; it is left out$/),
    ]);
  });

  it("are no data file: then events and spans are in memory", async () => {
    mkdirSync(rig.dataFile);
    const { hooks, opencode } = rig.start();
    const url = await opencode.feed();
    await tell(hooks, told("plain"));
    const { jobs } = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: object[] };
    expect(jobs).toMatchObject([{ status: "succeeded" }]);
    await hooks.dispose?.();
    expect(rig.spanNames()).toEqual(["chat fake-1", "invoke_agent build"]);
  });
});

/** A copy with each of the names of files in a folder. */
function placedIn<T>(folder: string, values: T): T {
  const text = JSON.stringify(values).replace(/"(folder|file\/x\.db)"/g, `"${folder}/$1"`);
  return JSON.parse(text);
}
