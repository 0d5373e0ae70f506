import { describe, expect, it } from "vitest";
import { readOptions } from "../../../src/host/opencode-options.ts";

describe("the plugin's options", () => {
  const NONE = { settings: {}, chatHeaders: true, shellEnv: true, prompts: true, redact: [] };

  it.each([undefined, null, {}])("may be %j", (given) => {
    expect(readOptions(given)).toEqual({ ...NONE, problems: [] });
  });

  it.each(["x", 1, true, [], [{ prompts: false }]])("are told of when they are %j", (given) => {
    expect(readOptions(given)).toEqual({ ...NONE, problems: ["Option `options`: expected an object"] });
  });

  it("are told of when what they hold of others is no object", () => {
    expect(readOptions({ propagate: false }).problems).toEqual(["Option `propagate`: expected an object"]);
  });

  it("are the plugin's own, and those of the telemetry", () => {
    const given = {
      serviceName: "mine",
      bridge: { port: 1 },
      prompts: false,
      propagate: { chatHeaders: false, shellEnv: false },
      redact: ["secret-\\d+"],
    };
    expect(readOptions(given)).toEqual({
      settings: { serviceName: "mine", bridge: { port: 1 } },
      chatHeaders: false,
      shellEnv: false,
      prompts: false,
      redact: [/secret-\d+/g],
      problems: [],
    });
  });

  it("are told of when they cannot be used", () => {
    const { problems, chatHeaders, prompts } = readOptions({
      prompts: "yes",
      propagate: { chatHeaders: 1, headers: true },
    });
    expect({ chatHeaders, prompts }).toEqual({ chatHeaders: true, prompts: true });
    expect(problems).toEqual([
      "Option `propagate.headers`: is not known",
      "Option `propagate.chatHeaders`: expected true or false",
      "Option `prompts`: expected true or false",
    ]);
  });

  it.each([["["], "secret", ["("]])("let no content out when `redact` is %j", (redact) => {
    const {
      settings,
      problems,
      redact: patterns,
    } = readOptions({ captureContent: true, previewLength: 100, redact });
    expect(settings).toEqual({ captureContent: false, previewLength: 0 });
    expect(problems).toEqual([expect.stringMatching(/^Option `redact(\.0)?`: expected a [a-z ]+$/)]);
    expect(patterns.map((pattern) => "an error\nof a model".replace(pattern, ""))).toEqual([""]);
  });
});
