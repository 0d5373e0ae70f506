import { describe, expect, it } from "vitest";
import { SessionCookie } from "../../../src/bridge/session-cookie.ts";
import { createClock } from "../../fixtures/clock.ts";

const clock = createClock();
const cookies = new SessionCookie("secret", clock.now);
const setCookie = cookies.issue(4319);
const pair = setCookie.split(";")[0] as string;

describe("the session cookie", () => {
  it("is out of reach of scripts and other sites, and does not hold the token", () => {
    expect(setCookie).toMatch(
      /^orchestra_session_4319=[0-9]+\.[0-9a-f]{64}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(setCookie).not.toContain("secret");
  });

  it("is found among others", () => {
    expect(cookies.isIn(pair, 4319)).toBe(true);
    expect(cookies.isIn(`theme=dark; ${pair};x=1`, 4319)).toBe(true);
    expect(cookies.isIn(`orchestra_session_4319=stale; ${pair}`, 4319)).toBe(true);
  });

  it.each([
    undefined,
    "",
    "theme=dark",
    "orchestra_session_4319=",
    "orchestra_session_4319=1.00",
    pair.slice(0, -1),
  ])("is not found in %j", (header) => {
    expect(cookies.isIn(header, 4319)).toBe(false);
  });

  it("is good for its own port and token only", () => {
    expect(cookies.isIn(pair, 4320)).toBe(false);
    expect(new SessionCookie("other", clock.now).isIn(pair, 4319)).toBe(false);
  });

  it("cannot be given a longer life by its holder", () => {
    const [name, value] = pair.split("=") as [string, string];
    const [expires, signature] = value.split(".") as [string, string];
    expect(cookies.isIn(`${name}=${Number(expires) + 1}.${signature}`, 4319)).toBe(false);
  });

  it("ends after 12 hours", () => {
    const later = createClock(clock.now() + 12 * 60 * 60 * 1_000 - 1);
    const reader = new SessionCookie("secret", later.now);
    expect(reader.isIn(pair, 4319)).toBe(true);
    later.advance(1);
    expect(reader.isIn(pair, 4319)).toBe(false);
  });
});
