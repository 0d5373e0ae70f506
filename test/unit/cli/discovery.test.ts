import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultBridge, findBridge, readBridgeFile, writeBridgeFile } from "../../../src/cli/discovery.ts";

let state: string;
let env: Record<string, string>;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "orchestra-state-"));
  env = { XDG_STATE_HOME: state };
});
afterEach(() => rmSync(state, { recursive: true }));

const bridge = { url: "http://127.0.0.1:4319", token: "secret-of-the-bridge" };
const path = () => join(state, "orchestra-otel", "bridge.json");

/** As if it had been written by someone else. */
function rewriteBridgeFile(changes: object): void {
  const content = { ...JSON.parse(readFileSync(path(), "utf8")), ...changes };
  writeFileSync(path(), JSON.stringify(content));
}

describe("a running bridge", () => {
  test("leaves a file that only its owner can read, and nothing beside it", () => {
    writeBridgeFile(env, bridge);

    expect(readBridgeFile(env)).toMatchObject({ ...bridge, pid: process.pid });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, "orchestra-otel")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(state, "orchestra-otel"))).toEqual(["bridge.json"]);
  });

  test("takes its file away when it ends", () => {
    const forget = writeBridgeFile(env, bridge);

    forget();
    forget();

    expect(readdirSync(join(state, "orchestra-otel"))).toEqual([]);
  });

  test("leaves the file of another that came later", () => {
    const forget = writeBridgeFile(env, bridge);
    writeBridgeFile(env, { ...bridge, url: "http://127.0.0.1:4320" });

    forget();

    expect(readBridgeFile(env)?.url).toBe("http://127.0.0.1:4320");
  });
});

describe("a bridge is found", () => {
  test("by the file of a running one", () => {
    writeBridgeFile(env, { ...bridge, url: `${bridge.url}/` });

    expect(findBridge({}, env)).toEqual({ url: bridge.url, token: bridge.token, isExplicit: false });
  });

  test("by a flag before a variable before a file", () => {
    writeBridgeFile(env, bridge);
    const variables = { ...env, ORCHESTRA_URL: "http://variable:1", ORCHESTRA_TOKEN: "variable" };

    expect(findBridge({}, variables)).toEqual({
      url: "http://variable:1",
      token: "variable",
      isExplicit: true,
    });
    expect(findBridge({ url: "http://flag:1/", token: "flag" }, variables)).toEqual({
      url: "http://flag:1",
      token: "flag",
      isExplicit: true,
    });
  });

  test("and the file's token is sent to no other bridge", () => {
    writeBridgeFile(env, bridge);

    expect(findBridge({ url: bridge.url }, env)?.token).toBe(bridge.token);
    expect(findBridge({ url: "http://elsewhere:1" }, env)?.token).toBeUndefined();
  });

  test("nowhere when there is no file, or one that makes no sense", () => {
    expect(findBridge({}, env)).toBeUndefined();
    writeBridgeFile(env, bridge);
    const content = readFileSync(path(), "utf8");
    for (const nonsense of ["", "{}", content.replace("http:", "file:"), "[]"]) {
      writeFileSync(path(), nonsense);
      expect(findBridge({}, env)).toBeUndefined();
    }
  });

  test("not by what is no URL", () => {
    expect(() => findBridge({}, { ORCHESTRA_URL: "here" })).toThrow("Variable ORCHESTRA_URL takes");
    expect(() => findBridge({ url: "ftp://x" }, env)).toThrow("Option '--url' takes");
    expect(() => findBridge({ url: "" }, env, "URL")).toThrow("URL takes");
  });
});

describe("where a bridge is by default", () => {
  test("is a port of this machine, encrypted if the variables say so", () => {
    expect(defaultBridge({})).toEqual({ url: "http://127.0.0.1:4319", token: undefined });
    const variables = { ORCHESTRA_BRIDGE_PORT: "8080", ORCHESTRA_BRIDGE_TLS_CERT: "cert.pem" };
    expect(defaultBridge(variables).url).toBe("https://127.0.0.1:8080");
  });
});

describe("a file is not believed, and its token sent nowhere,", () => {
  beforeEach(() => {
    writeBridgeFile(env, bridge);
    expect(findBridge({ url: bridge.url }, env)?.token).toBe(bridge.token);
  });

  const expectDisbelief = () => {
    expect(findBridge({}, env)).toBeUndefined();
    expect(findBridge({ url: bridge.url }, env)?.token).toBeUndefined();
  };

  test("when its process is gone", () => {
    rewriteBridgeFile({ pid: spawnSync("true").pid });
    expectDisbelief();
  });

  test("when another process has that id by now", () => {
    rewriteBridgeFile({ process: "an earlier one" });
    expectDisbelief();
  });

  test("when it names no single process", () => {
    for (const pid of [0, -process.pid]) {
      rewriteBridgeFile({ pid });
      expectDisbelief();
    }
  });

  test("when others can read it", () => {
    chmodSync(path(), 0o640);
    expectDisbelief();
  });

  test("when others can replace it", () => {
    chmodSync(join(state, "orchestra-otel"), 0o720);
    expectDisbelief();
  });

  test("when it is a link", () => {
    renameSync(path(), join(state, "elsewhere"));
    symlinkSync(join(state, "elsewhere"), path());
    expectDisbelief();
  });
});

test("a bridge does not write where others can read", () => {
  mkdirSync(join(state, "orchestra-otel"));
  chmodSync(join(state, "orchestra-otel"), 0o755);

  expect(() => writeBridgeFile(env, bridge)).toThrow("that only you can open, got mode 755");
  expect(readdirSync(join(state, "orchestra-otel"))).toEqual([]);
});

test("a bridge that cannot leave its file leaves no draft either", () => {
  mkdirSync(path(), { recursive: true, mode: 0o700 });

  expect(() => writeBridgeFile(env, bridge)).toThrow("EISDIR");
  expect(readdirSync(join(state, "orchestra-otel"))).toEqual(["bridge.json"]);
});
