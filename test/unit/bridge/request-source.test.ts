import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  authorityOf,
  hostOf,
  isForwarded,
  isFromHere,
  localHostOf,
  portOf,
  senderOf,
} from "../../../src/bridge/request-source.ts";

/** A request as far as it is looked at. */
function request(rawHeaders: string[] = [], socket: object = {}): IncomingMessage {
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1]]] : [],
  );
  return { rawHeaders, headers: Object.fromEntries(pairs), socket } as unknown as IncomingMessage;
}

const from = (remoteAddress: string, headers: string[] = []) => request(headers, { remoteAddress });

describe("the host that a request is addressed to", () => {
  it.each([
    [["Host", "Localhost:1"], "Localhost:1", "localhost"],
    [[":authority", "[::1]:4319"], "[::1]:4319", "[::1]"],
    [[":authority", "localhost:1", "host", "localhost:1"], "localhost:1", "localhost"],
    [["X", "host", "HOST", "a.example"], "a.example", "a.example"],
  ])("in %j", (headers, authority, host) => {
    expect(authorityOf(request(headers))).toBe(authority);
    expect(hostOf(request(headers))).toBe(host);
  });

  it.each([
    [[]],
    [["X", "y"]],
    [["Host", "localhost", "Host", "localhost"]],
    [["Host", "localhost", "host", "evil.example"]],
    [[":authority", "localhost", "host", "evil.example"]],
    [[":authority", "evil.example", "host", "localhost"]],
    [[":authority", "localhost", "host", "localhost", "host", "localhost"]],
  ])("is none in %j", (headers) => {
    expect(authorityOf(request(headers))).toBeUndefined();
  });

  it("is none that is no host name", () => {
    expect(hostOf(request([":authority", "user@localhost"]))).toBeUndefined();
  });
});

describe("a connection that is gone", () => {
  it("has no address, and nobody takes it for loopback", () => {
    expect([localHostOf(request()), portOf(request()), senderOf(request())]).toEqual(["", 0, ""]);
    expect(isFromHere(request())).toBe(false);
  });
});

describe("the sender of a request", () => {
  it.each([
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::6", "2001:db8:1:2"],
    ["2001:db8::6", "2001:db8:0:0"],
    ["2001:db8::", "2001:db8:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["::1", "0:0:0:0"],
    ["::", "0:0:0:0"],
  ])("%s is counted as %s", (address, sender) => {
    expect(senderOf(from(address))).toBe(sender);
  });

  it("is the network, whatever address its owner takes of it", () => {
    const group = fc.integer({ min: 1, max: 0xffff }).map((number) => number.toString(16));
    const groups = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(groups, groups, (network, own) => {
        expect(senderOf(from([...network, ...own].join(":")))).toBe(network.join(":"));
      }),
    );
  });

  it("behind a proxy is not the proxy's machine", () => {
    const headers = ["X-Forwarded-For", "198.51.100.1"];
    expect(senderOf(from("127.0.0.1", headers))).not.toBe(senderOf(from("127.0.0.1")));
    expect(isFromHere(from("127.0.0.1", headers))).toBe(false);
    expect(isFromHere(from("127.0.0.1"))).toBe(true);
    expect(isFromHere(from("::ffff:127.0.0.1"))).toBe(true);
    expect(isFromHere(from("203.0.113.9"))).toBe(false);
  });
});

describe("what proxies add", () => {
  it.each([
    "Forwarded",
    "Via",
    "X-Real-IP",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Original-Host",
    "X-Envoy-External-Address",
  ])("such as %s", (name) => {
    expect(isForwarded(request([name, ""]))).toBe(true);
  });

  it("is nothing that a program sends for itself", () => {
    const names = ["Host", "Accept", "User-Agent", "X-Request-Id", "Last-Event-ID", "Cookie", "Origin"];
    expect(isForwarded(request(names.flatMap((name) => [name, "x"])))).toBe(false);
  });
});
