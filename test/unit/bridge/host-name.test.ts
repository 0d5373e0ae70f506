import { describe, expect, it } from "vitest";
import {
  hostOfAddress,
  isLoopback,
  isWildcard,
  parseHost,
  reachableAddress,
  reachableUrl,
} from "../../../src/bridge/host-name.ts";

describe("parseHost", () => {
  it.each([
    ["localhost", "localhost"],
    ["LocalHost:4319", "localhost"],
    ["127.0.0.1:80", "127.0.0.1"],
    ["[::1]", "[::1]"],
    ["[::1]:4319", "[::1]"],
    ["panel.example", "panel.example"],
  ])("takes %s for %s", (header, host) => {
    expect(parseHost(header)).toBe(host);
  });

  it.each([
    "",
    ":80",
    "a b",
    "user@localhost",
    "localhost/x",
    "localhost:123456",
    "::1",
    "[::1",
    "a,b",
    "a\0",
    "ä.de",
  ])("refuses %j", (header) => {
    expect(parseHost(header)).toBeUndefined();
  });
});

describe("an address", () => {
  it.each([
    ["::1", "[::1]"],
    ["[::1]", "[::1]"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["LOCALHOST", "localhost"],
    ["192.168.1.5", "192.168.1.5"],
  ])("%s is the host %s", (address, host) => {
    expect(hostOfAddress(address)).toBe(host);
  });

  it.each(["localhost", "127.0.0.1", "127.8.9.10", "[::1]"])("%s is loopback", (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(["localhost.evil.example", "127.0.0.1.evil.example", "128.0.0.1", "0.0.0.0", "[::]", "x127.0.0.1"])(
    "%s is not loopback",
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );

  it("stands for all others when it is a wildcard", () => {
    expect(["0.0.0.0", "[::]", "127.0.0.1"].map(isWildcard)).toEqual([true, true, false]);
  });

  it.each([
    ["127.0.0.1", "127.0.0.1", "http://127.0.0.1:80"],
    ["0.0.0.0", "127.0.0.1", "http://127.0.0.1:80"],
    ["::", "127.0.0.1", "http://127.0.0.1:80"],
    ["::1", "::1", "http://[::1]:80"],
    ["panel.example", "panel.example", "http://panel.example:80"],
  ])("%s is reached by %s, at %s", (host, address, url) => {
    expect([reachableAddress(host), reachableUrl({ host, port: 80 })]).toEqual([address, url]);
    const tls = { cert: "", key: "" };
    expect(reachableUrl({ host, port: 80, tls })).toBe(url.replace("http:", "https:"));
  });
});
