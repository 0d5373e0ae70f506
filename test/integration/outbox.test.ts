import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { runNode } from "../fixtures/node-process.ts";
import type { OtlpReceiver } from "../fixtures/otlp-receiver.ts";
import { createOutboxRig, expectBalance, openReceiver, storeFile } from "../fixtures/outbox-rig.ts";
import { openTestStore } from "../fixtures/sqlite-logs.ts";

const CHILD = fileURLToPath(new URL("../fixtures/outbox-child.ts", import.meta.url));

/** The ids that the child has printed. */
function idsIn(stdout: string): string[] {
  return stdout.split("\n").filter((line) => /^[0-9a-f]{16}$/.test(line));
}

/** What an outbox of this process finds in the file and delivers. */
async function deliverRest(file: string, receiver: OtlpReceiver) {
  const store = await openTestStore({ file });
  const { outbox } = await createOutboxRig({ url: receiver.url, store });
  await outbox.shutdown({ deadlineMs: 10_000 });
  expectBalance(outbox);
  return outbox.stats().inherited;
}

const spanIds = ({ spans }: OtlpReceiver) => spans.map(({ spanId }) => spanId).sort();

describe("a process that is killed with a request on its way", () => {
  it("leaves its spans to the next one, with the same ids and contents", async () => {
    const receiver = await openReceiver();
    await receiver.behave("hang");
    const file = storeFile();
    const child = spawn(process.execPath, [CHILD, file, receiver.url, "killed"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const ids: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      if (line === "ready") break;
      ids.push(line);
    }
    await receiver.until(() => receiver.requests.length === 1);
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    expect(await exit).toEqual([null, "SIGKILL"]);
    await receiver.behave("ok");
    expect(await deliverRest(file, receiver)).toMatchObject({ found: 50, exported: 50, pending: 0 });
    expect(spanIds(receiver)).toEqual(ids.sort());
    for (const { name, attributes, resource, scope } of receiver.spans) {
      expect(attributes).toEqual({ index: Number(name) });
      expect(resource).toEqual({ "service.name": "child" });
      expect(scope).toBe("child");
    }
  });
});

describe.each(["exit", "throw", "over"])("a process that ends without a shutdown (%s)", (ending) => {
  it.each(["hang", "refuse"] as const)("is not held by a receiver (%s), and loses nothing", async (mode) => {
    const receiver = await openReceiver();
    await receiver.behave(mode);
    const file = storeFile();
    const begin = performance.now();
    const { stdout, code } = await runNode([CHILD, file, receiver.url, ending]);
    // A request may take ten seconds, and a retry may come much later.
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(code).toBe(ending === "throw" ? 1 : 0);
    await receiver.behave("ok");
    expect(await deliverRest(file, receiver)).toMatchObject({ found: 50, exported: 50 });
    expect(spanIds(receiver)).toEqual(idsIn(stdout).sort());
  });
});

describe("a process that has nothing else to do", () => {
  it("stays for a flush that it waits for", async () => {
    const receiver = await openReceiver();
    const { stdout, code } = await runNode([CHILD, storeFile(), receiver.url, "flush"]);
    expect({ code, last: stdout.trim().split("\n").at(-1) }).toEqual({ code: 0, last: "exported 50" });
    expect(spanIds(receiver)).toEqual(idsIn(stdout).sort());
  });

  it("stays for a shutdown no longer than its deadline, and says nothing to anybody", async () => {
    const receiver = await openReceiver();
    await receiver.behave("hang");
    const { stdout, stderr, code } = await runNode([CHILD, storeFile(), receiver.url, "shutdown"]);
    expect({ code, stderr, last: stdout.trim().split("\n").at(-1) }).toEqual({
      code: 0,
      stderr: "",
      last: "pending 50",
    });
  });
});

describe("two processes on one file", () => {
  it("deliver every span once", async () => {
    const receiver = await openReceiver();
    const file = storeFile();
    const runs = await Promise.all([1, 2].map(() => runNode([CHILD, file, receiver.url, "flush"])));
    await deliverRest(file, receiver);
    expect(spanIds(receiver)).toEqual(runs.flatMap(({ stdout }) => idsIn(stdout)).sort());
  });
});
