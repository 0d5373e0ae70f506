import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../src/job/job-failure.ts";

class BuildFailed extends Error {}

function withName(name: unknown): Error {
  return Object.defineProperty(new Error("odd"), "name", { value: name });
}

describe("what a thrown value says of a failure", () => {
  it.each([
    [new TypeError("not a function"), "not a function", "TypeError"],
    [new Error("plain"), "plain", "Error"],
    [new BuildFailed("exit 2"), "exit 2", "BuildFailed"],
    [new DOMException("too late", "TimeoutError"), "too late", "TimeoutError"],
    [withName(""), "odd", "_OTHER"],
    [withName(7), "odd", "7"],
    [runInNewContext("new TypeError('of another realm')"), "of another realm", "TypeError"],
    [runInNewContext("new (class BuildFailed extends Error {})('exit 2')"), "exit 2", "BuildFailed"],
    [{ [Symbol.toStringTag]: "Error", name: "Posing" }, "[object Error]", "_OTHER"],
    [{ [Symbol.toStringTag]: "Error", message: "posing" }, "[object Error]", "_OTHER"],
    ["just text", "just text", "_OTHER"],
    [404, "404", "_OTHER"],
    [undefined, "undefined", "_OTHER"],
    [Object.create(null), "unprintable error", "_OTHER"],
  ])("%o", (thrown, error, errorType) => {
    expect(failureOf(thrown)).toEqual({ error, errorType });
  });

  it("does not throw when the error does", () => {
    const hostile = new Error("x");
    Object.defineProperty(hostile, "message", {
      get() {
        throw new Error("no");
      },
    });
    expect(failureOf(hostile)).toEqual({ error: "unprintable error", errorType: "_OTHER" });
  });
});
