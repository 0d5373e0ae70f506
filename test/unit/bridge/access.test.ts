import { describe, expect, it } from "vitest";
import { Access } from "../../../src/bridge/access.ts";

const config = (path: string) => expect.objectContaining({ code: "INVALID_CONFIG", path });

describe("the bridge's access rules refuse to start", () => {
  it.each(["0.0.0.0", "::", "192.168.1.5", "myhost", "[::]", "127.0.0.1.example"])(
    "on %s without a token",
    (host) => {
      expect(() => new Access({ host })).toThrow(config("token"));
      expect(() => new Access({ host, token: "t" })).not.toThrow();
    },
  );

  it.each(["127.0.0.1", "localhost", "::1", "127.0.0.2"])(
    "on loopback (%s) with nothing missing: not at all",
    (host) => {
      expect(() => new Access({ host })).not.toThrow();
    },
  );

  it.each(["", " ", "a b", "line\nbreak", "ümlaut", "tab\t"])("with the token %j", (token) => {
    expect(() => new Access({ host: "127.0.0.1", token })).toThrow(config("token"));
  });

  it("without ever showing the token", () => {
    expect(() => new Access({ host: "127.0.0.1", token: "hush hush" })).not.toThrow(/hush/);
    expect(() => new Access({ host: "127.0.0.1", token: "hush hush" })).toThrow(/`token`/);
  });

  it.each(["*", "", "http://panel.example", "a/b", "0.0.0.0", "::"])("with the allowed host %j", (host) => {
    expect(() => new Access({ host: "127.0.0.1", allowedHosts: [host] })).toThrow(config("allowedHosts"));
  });

  it.each([
    "*",
    "",
    "null",
    "panel.example",
    "https://panel.example/",
    "https://panel.example/x",
    "HTTPS://A.example",
  ])("with the allowed origin %j", (origin) => {
    expect(() => new Access({ host: "127.0.0.1", allowedOrigins: [origin] })).toThrow(
      config("allowedOrigins"),
    );
  });

  it.each([0, -1, Number.NaN])("with %d writes a second", (writesPerSecond) => {
    expect(() => new Access({ host: "127.0.0.1", writesPerSecond })).toThrow(config("writesPerSecond"));
  });
});
