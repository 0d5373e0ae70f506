import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { versionProblem } from "../../src/node-version.ts";
import { runNode } from "../fixtures/node-process.ts";
import { sourceModule } from "./source-modules.ts";

const ROOT = join(import.meta.dirname, "../..");
const MAIN = "src/cli/main.ts";
const sourceOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** What a program that runs under Node of another version sees. */
const underNode = (version: string) => {
  const code = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`;
  return ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
};

describe("the version of Node", () => {
  it.each(["18.20.8", "20.20.2", "22.14.0", "22.9.1"])("%s is too old", (version) => {
    expect(versionProblem(version)).toBe(`orchestra-otel needs Node 22.15 or later, this is ${version}`);
  });

  it.each(["22.15.0", "22.21.1", "23.0.0", "24.21.0", "100.0.0"])("%s will do", (version) => {
    expect(versionProblem(version)).toBeUndefined();
  });

  it("that is needed is what the package says", () => {
    const { engines } = JSON.parse(sourceOf("package.json"));
    expect(versionProblem("0.0.0")).toContain(`Node ${engines.node.replace(/^>=(\d+\.\d+)\.0$/, "$1")} or`);
  });
});

describe("the library under a Node without SQLite", () => {
  const start = `import { startTelemetry } from "${join(ROOT, "src/index.ts")}";
    await startTelemetry({ bridge: false }).catch(({ code, message }) => console.log(code, message));`;
  const run = async (...flags: string[]) => {
    const args = ["--no-experimental-sqlite", ...flags, "--input-type=module", "--eval", start];
    return (await runNode(args)).stdout;
  };

  test("says which one it needs", async () => {
    expect(await run(...underNode("20.20.2"))).toBe(
      "UNAVAILABLE orchestra-otel needs Node 22.15 or later, this is 20.20.2\n",
    );
  });

  test("says what is missing where the version would do", async () => {
    expect(await run()).toBe("UNAVAILABLE This Node has no SQLite\n");
  });
});

describe("the command line under a Node that is too old", () => {
  test.each([["--version"], ["exec", "--", "true"]])("says so in one sentence: %j %j", async (...args) => {
    const { code, stdout, stderr } = await runNode([...underNode("20.20.2"), join(ROOT, MAIN), ...args]);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: "orchestra-otel needs Node 22.15 or later, this is 20.20.2\n",
    });
  });

  test("has loaded nothing that such a Node may not have", () => {
    const imports = sourceOf(MAIN).match(/^import (?!type ).*/gm);
    expect(imports).toEqual(['import { versionProblem } from "../node-version.ts";']);
    const { files, packages, builtins } = sourceModule("", sourceOf("src/node-version.ts"));
    expect([...files, ...packages, ...builtins]).toEqual([]);
  });
});
