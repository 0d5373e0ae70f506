import { describe, expect, it } from "vitest";
import { OpenCodeRegistry, redactedRegistry } from "../../../src/host/opencode-registry.ts";

describe("a registry that may not tell all", () => {
  function setUp() {
    const jobs = new OpenCodeRegistry();
    const redacted = redactedRegistry(jobs, (text) => text.replaceAll("secret", "…"));
    for (const id of ["a", "b", "c"]) redacted.create({ id, workerId: "secret", message: "a secret task" });
    return { jobs, redacted };
  }

  it("has jobs whose texts are redacted, and whose names are as they were", () => {
    const { jobs, redacted } = setUp();
    redacted.updateProgress("a", { message: "a secret step", stage: "step" });
    expect(redacted.get("a")).toMatchObject({
      workerId: "secret",
      message: "a … task",
      progress: { message: "a … step", stage: "step" },
    });
    redacted.setResult("a", { responseText: "the secret" });
    redacted.setError("b", { error: "no secret", errorType: "SecretError" });
    redacted.cancel("c", { reason: "secret end" });
    expect(jobs.get("a")).toMatchObject({ status: "succeeded", responseText: "the …" });
    expect(jobs.get("b")).toMatchObject({ error: "no …", errorType: "SecretError" });
    expect(jobs.get("c")).toMatchObject({ status: "canceled", reason: "… end" });
  });

  it("has no text where there is none", () => {
    const { redacted } = setUp();
    expect(redacted.setResult("a", {})).toMatchObject({ status: "succeeded", responseText: undefined });
    expect(redacted.cancel("b")).toMatchObject({ reason: "aborted" });
  });

  it("hears of what others do to its jobs", () => {
    const { jobs, redacted } = setUp();
    const heard: string[] = [];
    const stop = redacted.onJobEvent(({ id }, kind) => heard.push(`${id} ${kind}`));
    jobs.cancel("a");
    stop();
    jobs.cancel("b");
    expect(heard).toEqual(["a canceled"]);
  });
});
