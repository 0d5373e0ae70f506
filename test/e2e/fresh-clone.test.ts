import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const SCRIPTS = fileURLToPath(new URL("../../scripts", import.meta.url));

/** A slow npm that notes its calls and leaves behind what the real one would, a Node among it. */
const NPM = `#!${process.execPath}
const fs = require("node:fs");
fs.appendFileSync("npm-calls", process.argv.slice(2).join(" ") + "\\n");
if (fs.existsSync("registry-is-down")) {
  process.stderr.write("npm error: no registry\\n");
  process.exit(1);
}
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
fs.mkdirSync("node_modules/node/bin", { recursive: true });
fs.mkdirSync("node_modules/.bin", { recursive: true });
for (const link of ["node_modules/node/bin/node", "node_modules/.bin/node"]) {
  fs.rmSync(link, { force: true });
  fs.symlinkSync(process.execPath, link);
}
fs.copyFileSync("package-lock.json", "node_modules/.package-lock.json");
`;

let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "orchestra-clone-"));
  cpSync(SCRIPTS, join(clone, "scripts"), { recursive: true });
  mkdirSync(join(clone, "system"));
  writeFileSync(join(clone, "system/npm"), NPM);
  chmodSync(join(clone, "system/npm"), 0o755);
  lockVersion("1.0.0");
});

afterEach(() => rmSync(clone, { recursive: true }));

describe("the first script in a fresh clone", () => {
  it("installs, then runs its command under the pinned Node", async () => {
    const run = await finished(withNode("node", "-p", "process.argv0"));
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining("node") });
    expect(run.stderr).toMatch(/^Installing dependencies[^\n]*\n$/);
    expect(npmCalls()).toHaveLength(1);
  });

  it("finds the tools of node_modules before those of the system", async () => {
    const run = await finished(withNode("sh", "-c", "command -v node"));
    expect(run.stdout.trim()).toBe(join(clone, "node_modules/.bin/node"));
  });

  it("installs once when two start together", async () => {
    const runs = await Promise.all([1, 2].map(() => finished(withNode("node", "-e", ""))));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(npmCalls()).toHaveLength(1);
  });

  it("takes over from one that was killed while it installed", async () => {
    const dead = spawn(process.execPath, ["-e", ""]);
    await once(dead, "exit");
    mkdirSync(join(clone, ".cache"));
    writeFileSync(join(clone, ".cache/setup.lock"), String(dead.pid));
    expect(await finished(withNode("node", "-e", ""))).toMatchObject({ code: 0 });
  });

  it("leaves the lock of another that took over meanwhile", async () => {
    const dead = spawn(process.execPath, ["-e", ""]);
    await once(dead, "exit");
    mkdirSync(join(clone, ".cache"));
    writeFileSync(join(clone, ".cache/setup.lock"), String(dead.pid));
    // It sees that the holder is dead, and goes on when the other already installs.
    writeFileSync(
      join(clone, "slow-look.cjs"),
      `const { existsSync } = require("node:fs");
      const { kill } = process;
      process.kill = (...call) => {
        try {
          return kill.apply(process, call);
        } finally {
          process.stdout.write("looked");
          const pause = new Int32Array(new SharedArrayBuffer(4));
          while (!existsSync("npm-calls")) Atomics.wait(pause, 0, 0, 5);
        }
      };`,
    );
    const slow = spawn(process.execPath, ["-r", "./slow-look.cjs", "scripts/setup.cjs"], inClone());
    const first = finished(slow);
    await once(slow.stdout as NodeJS.ReadableStream, "data");
    const second = finished(spawn(process.execPath, ["scripts/setup.cjs"], inClone()));

    expect([await first, await second]).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(npmCalls()).toHaveLength(1);
    expect(readdirSync(join(clone, ".cache"))).toEqual([]);
  });

  it("says what npm said when npm fails", async () => {
    writeFileSync(join(clone, "registry-is-down"), "");
    const run = await finished(withNode("node", "-e", ""));
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toContain("npm error: no registry");
  });
});

describe("every later script", () => {
  beforeEach(async () => {
    await finished(withNode("node", "-e", ""));
  });

  it("installs nothing and adds nothing to the output", async () => {
    const run = await finished(withNode("node", "-e", "console.log('ready')"));
    expect(run).toEqual({ code: 0, signal: null, stdout: "ready\n", stderr: "" });
    expect(npmCalls()).toHaveLength(1);
  });

  it("installs again when the lock file asks for another version", async () => {
    lockVersion("1.0.1");
    await finished(withNode("node", "-e", ""));
    expect(npmCalls()).toHaveLength(2);
  });

  it("hands the exit code on", async () => {
    expect(await finished(withNode("sh", "-c", "exit 3"))).toMatchObject({ code: 3 });
  });

  it("dies of the signal that its command died of", async () => {
    expect(await finished(withNode("sh", "-c", "kill -KILL $$"))).toMatchObject({ signal: "SIGKILL" });
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "hands %s on to the command and waits for its end",
    async (signal) => {
      const program = `
      process.on("${signal}", () => { console.log("stopped"); process.exit(5); });
      setInterval(() => {}, 1000);
      console.log("started");`;
      const child = withNode("node", "-e", program);
      const output = finished(child);
      await once(child.stdout as NodeJS.ReadableStream, "data");
      child.kill(signal);
      expect(await output).toMatchObject({ code: 5, stdout: expect.stringContaining("stopped") });
    },
  );

  it("names a command that does not exist", async () => {
    const run = await finished(withNode("no-such-command"));
    expect(run).toMatchObject({ code: 127, stderr: expect.stringContaining("no-such-command") });
  });
});

function withNode(...command: string[]): ChildProcess {
  return spawn(process.execPath, ["scripts/with-node.cjs", ...command], inClone());
}

function inClone(): SpawnOptions {
  const path = [join(clone, "system"), process.env.PATH].join(delimiter);
  return { cwd: clone, env: { ...process.env, PATH: path }, stdio: ["ignore", "pipe", "pipe"] };
}

async function finished(child: ChildProcess) {
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, "close"),
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
  ]);
  return { code, signal, stdout, stderr };
}

function npmCalls(): string[] {
  return readFileSync(join(clone, "npm-calls"), "utf8").trim().split("\n");
}

/** One package that is needed, and one that is for another platform only. */
function lockVersion(version: string): void {
  const packages = {
    "": { name: "clone" },
    "node_modules/node": { version },
    "node_modules/other-platform": { version: "1.0.0", optional: true },
  };
  writeFileSync(join(clone, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, packages }));
}
