import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findBridge, readBridgeFile, writeBridgeFile } from "../../../src/cli/discovery.ts";

let state: string;
let env: Record<string, string>;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "orchestra-state-"));
  env = { XDG_STATE_HOME: state };
});
afterEach(() => rmSync(state, { recursive: true }));

const bridge = { url: "http://127.0.0.1:4319", token: "secret-of-the-bridge", pid: 1 };
const path = () => join(state, "orchestra-otel", "bridge.json");

describe("a running bridge", () => {
  test("leaves a file that only its owner can read, and nothing beside it", () => {
    writeBridgeFile(env, bridge);

    expect(readBridgeFile(env)).toEqual(bridge);
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
    writeBridgeFile(env, { ...bridge, pid: 2 });

    forget();

    expect(readBridgeFile(env)?.pid).toBe(2);
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
    mkdirSync(join(state, "orchestra-otel"));
    for (const content of ["", "{}", '{"url":"file:///etc/passwd","pid":1}', "[]"]) {
      writeFileSync(path(), content);
      expect(findBridge({}, env)).toBeUndefined();
    }
  });

  test("not by what is no URL", () => {
    expect(() => findBridge({}, { ORCHESTRA_URL: "here" })).toThrow("Variable ORCHESTRA_URL takes");
    expect(() => findBridge({ url: "ftp://x" }, env)).toThrow("Option '--url' takes");
    expect(() => findBridge({ url: "" }, env, "URL")).toThrow("URL takes");
  });
});
