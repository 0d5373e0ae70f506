import { expect, it } from "vitest";
import type { PromptFact } from "../../../src/host/opencode-facts.ts";
import type { Run } from "../../../src/host/opencode-run.ts";
import { Sessions } from "../../../src/host/opencode-sessions.ts";

it("forgets sessions with a message that wants no reply, too", () => {
  const sessions = new Sessions(2);
  for (const id of ["first", "second", "third"]) sessions.get(id).prompt = {} as PromptFact;
  expect([sessions.size, sessions.find("first")]).toEqual([2, undefined]);
});

it("forgets the oldest session in which nothing runs", () => {
  const sessions = new Sessions(2);
  sessions.get("busy").run = {} as Run;
  sessions.get("done");
  sessions.get("new");
  expect(["busy", "done", "new"].map((id) => sessions.find(id)?.id)).toEqual(["busy", undefined, "new"]);
  sessions.get("new").run = {} as Run;
  expect(sessions.get("last").id).toBe("last");
  expect(sessions.size).toBe(3);
});
