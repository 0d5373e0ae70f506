import { describe, expect, it } from "vitest";
import { ERROR_CODES, invalidArgument, OrchestraError, unexpected } from "../../src/errors.ts";

const unprintable = {
  toJSON() {
    throw new Error("no");
  },
};

describe("OrchestraError", () => {
  it("is an Error with a name, a closed code and a path", () => {
    const error = new OrchestraError("CLOSED", "The log is closed", { path: "log" });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "OrchestraError", code: "CLOSED", path: "log" });
    expect(error.message).toBe("The log is closed");
  });

  it("has a cause only when one is given", () => {
    const cause = new Error("disk full");
    expect(new OrchestraError("INTERNAL", "x", { cause }).cause).toBe(cause);
    expect("cause" in new OrchestraError("INTERNAL", "x")).toBe(false);
    expect(new OrchestraError("INTERNAL", "x").path).toBeUndefined();
  });

  it("explains every code in a sentence", () => {
    for (const [code, meaning] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning).toMatch(/^[A-Z].+\.$/);
    }
  });
});

describe("the message about a value that is not as it should be", () => {
  it.each([
    [Number.NaN, "`NaN` (number)"],
    ["5", "`5` (string)"],
    [undefined, "`undefined` (undefined)"],
    [null, "`null` (null)"],
    [["a"], '`["a"]` (array)'],
    [{ a: 1 }, '`{"a":1}` (object)'],
    [12n, "`12` (bigint)"],
    [Symbol("s"), "`Symbol(s)` (symbol)"],
    [unprintable, "`unprintable` (object)"],
    [{ toJSON: () => undefined }, "`` (object)"],
  ])("renders %o safely", (got, rendered) => {
    const error = invalidArgument("percent", "a number from 0 to 100", got);
    expect(error.message).toBe(`Expected \`percent\` to be a number from 0 to 100, got ${rendered}`);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", path: "percent" });
  });

  it("is short however long the value is", () => {
    expect(invalidArgument("x", "short", "y".repeat(10_000)).message).toBe(
      `Expected \`x\` to be short, got \`${"y".repeat(80)}…\` (string)`,
    );
  });

  it("can carry any code", () => {
    expect(unexpected("UNKNOWN_JOB", "id", "that of a held job", "j1")).toMatchObject({
      code: "UNKNOWN_JOB",
      path: "id",
      message: "Expected `id` to be that of a held job, got `j1` (string)",
    });
  });
});
