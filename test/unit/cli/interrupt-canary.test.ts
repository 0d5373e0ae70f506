import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

const CANARY = join(import.meta.dirname, "../../../src/cli/interrupt-canary.ts");

/** Says what it takes the first SIGINT for. In a group of its own, as if it ran on a terminal. */
const PROGRAM = `
  import { InterruptCanary } from ${JSON.stringify(CANARY)};
  const canary = new InterruptCanary();
  const alive = setInterval(() => {}, 1_000);
  process.on("SIGINT", async () => {
    console.log(await canary.sawInterrupt(300));
    canary.close();
    clearInterval(alive);
  });
  console.log("ready");`;

test.each([
  ["the whole group, as a terminal does", -1, "true"],
  ["one process alone", 1, "false"],
])("an interrupt of %s is known as such", async (_whom, sign, answer) => {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", PROGRAM], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");

  process.kill(sign * (child.pid as number), "SIGINT");
  const [told] = await once(child.stdout, "data");

  expect(String(told).trim()).toBe(answer);
  // Nothing of it keeps the process.
  expect(await once(child, "exit")).toEqual([0, null]);
});
