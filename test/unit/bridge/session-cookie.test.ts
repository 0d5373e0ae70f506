import { describe, expect, it } from "vitest";
import { SessionCookie } from "../../../src/bridge/session-cookie.ts";
import { createClock } from "../../fixtures/clock.ts";

const clock = createClock();
const cookies = new SessionCookie("secret", clock.now);
const here = { port: 4319, isEncrypted: false };
const setCookie = cookies.issue(here);
const pair = setCookie.split(";")[0] as string;

describe("the session cookie", () => {
  it("is out of reach of scripts and other sites, and does not hold the token", () => {
    expect(setCookie).toMatch(
      /^orchestra_session_4319=[0-9]+\.[0-9a-f]{64}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(setCookie).not.toContain("secret");
  });

  it("is found among others", () => {
    expect(cookies.isIn(pair, here)).toBe(true);
    expect(cookies.isIn(`theme=dark; ${pair};x=1`, here)).toBe(true);
    expect(cookies.isIn(`orchestra_session_4319=stale; ${pair}`, here)).toBe(true);
  });

  it.each([
    undefined,
    "",
    "theme=dark",
    "orchestra_session_4319=",
    "orchestra_session_4319=1.00",
    pair.slice(0, -1),
  ])("is not found in %j", (header) => {
    expect(cookies.isIn(header, here)).toBe(false);
  });

  it("is good for its own port and token only", () => {
    expect(cookies.isIn(pair, { ...here, port: 4320 })).toBe(false);
    expect(new SessionCookie("other", clock.now).isIn(pair, here)).toBe(false);
  });

  it("cannot be given a longer life by its holder", () => {
    const [name, value] = pair.split("=") as [string, string];
    const [expires, signature] = value.split(".") as [string, string];
    expect(cookies.isIn(`${name}=${Number(expires) + 1}.${signature}`, here)).toBe(false);
  });

  it("ends after 12 hours", () => {
    const later = createClock(clock.now() + 12 * 60 * 60 * 1_000 - 1);
    const reader = new SessionCookie("secret", later.now);
    expect(reader.isIn(pair, here)).toBe(true);
    later.advance(1);
    expect(reader.isIn(pair, here)).toBe(false);
  });

  it("stays with an encrypted server, which no other may speak for", () => {
    const encrypted = { ...here, isEncrypted: true };
    const issued = cookies.issue(encrypted);
    expect(issued).toMatch(/^__Host-orchestra_session_4319=[^;]+; .*; Path=\/; .*; Secure$/);
    expect(issued).not.toContain("Domain");
    expect(cookies.isIn(issued.split(";")[0], encrypted)).toBe(true);
    expect(cookies.isIn(issued.split(";")[0], here)).toBe(false);
    expect(cookies.isIn(pair, encrypted)).toBe(false);
  });
});
