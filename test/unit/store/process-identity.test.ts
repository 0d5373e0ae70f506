import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { livenessOf, ownProcess } from "../../../src/store/process-identity.ts";

describe("the identity of a process", () => {
  it("is that of a live one for this one, always the same", () => {
    const own = ownProcess();
    expect(own).toMatchObject({ pid: process.pid, host: expect.stringMatching(/./) });
    expect(ownProcess()).toEqual(own);
    expect(livenessOf(own)).toBe("alive");
  });

  it("is not known on another host, whatever runs here under its pid", () => {
    expect(livenessOf({ ...ownProcess(), host: "elsewhere" })).toBe("unknown");
  });

  it("ends with the process, even before its parent has asked for its end", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child, "spawn");
    const own = ownProcess();
    const identity = { ...own, pid: child.pid as number, startToken: null };
    expect(livenessOf(identity)).toBe("unknown");
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
    expect(livenessOf(identity)).toBe("gone");
  });
});

describe("on Linux, where the system tells when a process began", () => {
  it("is not that of a later process with the same pid", () => {
    const own = ownProcess();
    expect(own.startToken).toMatch(/^[0-9a-f-]{36} [0-9]+$/);
    expect(livenessOf({ ...own, startToken: `${own.startToken}0` })).toBe("gone");
  });

  it("is known for others, too", () => {
    expect(livenessOf({ ...ownProcess(), pid: 1 })).toBe("gone");
    expect(livenessOf({ ...ownProcess(), pid: process.ppid, startToken: null })).toBe("unknown");
  });
});
