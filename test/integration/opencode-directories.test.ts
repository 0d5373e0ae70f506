import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OpenCodeRig, TestOpenCode, tell, told } from "../fixtures/opencode-rig.ts";
import { readStoredLog } from "../torture/stored-log.ts";

let rig: OpenCodeRig;

beforeEach(async () => {
  rig = await OpenCodeRig.open();
});

afterEach(() => rig.close());

/** Two directories at work, the first with other options than the second, and what is stored and sent of them. */
async function bothOf(first: object, second: object, scenarios = ["plain", "subagent"]) {
  const directories = [first, second].map((options) => rig.start({ bridge: false, ...options }));
  for (const [index, { hooks }] of directories.entries()) await tell(hooks, told(scenarios[index] as string));
  for (const { hooks } of directories) await hooks.dispose?.();
  const sent = JSON.stringify(rig.receiver.spans, (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
  const [own = [], other = []] = directories.map(({ opencode }) => opencode.log);
  const [plain, ...subagent] = rig.stored();
  return {
    own,
    other,
    plain,
    subagent,
    out: JSON.stringify(readStoredLog(rig.dataFile).events) + sent,
  };
}

const DIFFERS = /^orchestra-otel: The options for \/project\/\d+ are not those in use/;

describe("a directory that comes second", () => {
  it("says nothing when its options are those in use", async () => {
    const options = { captureContent: true, redact: ["x+"], resourceAttributes: { team: "a" } };
    const { own, other } = await bothOf(options, structuredClone(options));
    expect([own, other]).toEqual([[], []]);
  });

  it.each([{ serviceName: "other" }, { redact: ["x+"] }, { previewLength: 3 }])(
    "says once that its options are not those in use: %j",
    async (options) => {
      const { own, other } = await bothOf({}, options);
      expect(own).toEqual([]);
      expect(other).toEqual([expect.stringMatching(DIFFERS)]);
      expect(rig.errors()).toEqual([]);
    },
  );

  it("has its own `prompts`, of which nothing needs to be said", async () => {
    const { other, subagent } = await bothOf({}, { prompts: false });
    expect(other).toEqual([]);
    expect(subagent).toMatchObject([{ workerId: "general" }]);
  });

  it("tells of its own problems, once", async () => {
    const first = rig.start({ bridge: false });
    const [second, third] = [1, 2].map(() =>
      rig.start({ bridge: false, prompts: 1, logCapacity: 0, captureContent: "no" }),
    );
    for (const { hooks } of [first, second, third] as (typeof first)[]) await hooks.dispose?.();
    expect(first.opencode.log).toEqual([]);
    const problems = [
      expect.stringMatching(/`prompts`: expected true or false$/),
      expect.stringMatching(/`logCapacity`: .*; it is left out$/),
      expect.stringMatching(/`captureContent`: .*; it counts as false$/),
    ];
    expect(rig.errors()).toHaveLength(problems.length);
    expect(rig.errors()).toEqual(expect.arrayContaining(problems));
    const differs = expect.stringMatching(DIFFERS);
    expect(second?.opencode.log).toHaveLength(problems.length + 1);
    expect(second?.opencode.log).toEqual(expect.arrayContaining([...problems, differs]));
    expect(third?.opencode.log).toEqual([differs]);
  });
});

describe("the texts of a directory that comes second", () => {
  it("leave without what its own `redact` finds", async () => {
    const { plain, subagent, out } = await bothOf(
      { captureContent: true, redact: ["ell"] },
      { captureContent: true, redact: ["with \\w+", "TAS", "a task", "bash", "ste."] },
    );
    expect(plain).toMatchObject({ status: "succeeded" });
    expect(out).toContain("h[redacted]o");
    expect(subagent).toMatchObject([
      { responsePreview: "done [redacted] " },
      { responsePreview: "done [redacted] " },
    ]);
    expect(out).toContain("[redacted]K");
    expect(out).not.toMatch(/"TASK"|a task|"message":"bash/);
    expect(out).toContain('"message":"[redacted] 1"');
    // Those of the first are as they were.
    expect(out).toContain('"message":"step 1"');
  });

  it("leave in nothing when its own `redact` cannot be read", async () => {
    const { subagent, out, other } = await bothOf({}, { redact: ["["] }, ["plain", "llm-400"]);
    expect(other).toContainEqual(expect.stringMatching(/`redact\.0`: expected a regular expression$/));
    expect(subagent).toMatchObject([{ status: "failed", error: "[redacted]" }]);
    expect(out).not.toContain("bad request by fake");
  });

  it.each<[first: object, second: object]>([
    [{ captureContent: true }, {}],
    [{ captureContent: true }, { captureContent: "yes" }],
    [{ captureContent: true }, { previewLength: 100 }],
    [{ previewLength: 100 }, { previewLength: 99 }],
    [{ previewLength: 100 }, { previewLength: 100, captureContent: false, redact: 1 }],
  ])("stay when %j is in use, and it has %j", async (first, second) => {
    const { plain, subagent, out } = await bothOf(first, second);
    expect(plain).toHaveProperty("responsePreview", expect.stringMatching(/./));
    expect(subagent).toMatchObject([{ status: "succeeded" }, { status: "succeeded" }]);
    expect(out).not.toMatch(/done with|CHILDTOOL|"TASK"/);
  });

  it("leave as far as the options in use let them, when its own let more out", async () => {
    const { subagent, out } = await bothOf({ previewLength: 6 }, { captureContent: true });
    expect(subagent).toMatchObject([{ responsePreview: "done w" }, { responsePreview: "done w" }]);
    expect(out).not.toContain("done with");
  });

  it.each(["first", "second"])(
    "leave in a tool's errors without what `redact` finds: the %s's",
    async (which) => {
      const options = { captureContent: true, redact: ["read tool"] };
      const isFirst = which === "first";
      const { out } = await bothOf(
        isFirst ? options : { captureContent: true },
        isFirst ? { captureContent: true } : options,
        isFirst ? ["tool-errors", "plain"] : ["plain", "tool-errors"],
      );
      expect(out).toContain("The [redacted] was called");
      expect(out).not.toContain("The read tool was called");
    },
  );
});

describe("a telemetry that cannot start", () => {
  it("leaves the directory to the copy that comes next, and starts anew in one that can", async () => {
    const place = "../../src/host/opencode-hooks.ts?other";
    const { openCodeHooks: other } = (await import(
      place
    )) as typeof import("../../src/host/opencode-hooks.ts");
    const opencode = new TestOpenCode();
    const bridge = Object.defineProperty({}, "port", {
      enumerable: true,
      get: () => {
        throw new Error("no port");
      },
    });
    const failed = rig.start({ bridge }, opencode);
    await opencode.line(/failed at start: .*no port/);
    await setImmediate();
    const second = rig.start({ bridge: false }, new TestOpenCode(opencode.directory), other);
    expect(second.opencode.log).toEqual([]);
    const elsewhere = rig.start({ bridge: false });
    await tell(second.hooks, told("plain"));
    await tell(elsewhere.hooks, told("subagent"));
    for (const { hooks } of [failed, second, elsewhere]) await hooks.dispose?.();
    expect(rig.stored()).toHaveLength(3);
  });
});
