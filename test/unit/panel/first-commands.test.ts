import { expect, it } from "vitest";
import { parseOrchestratorEvent } from "../../../src/event/event.ts";
import { firstCommands } from "../../../src/panel/text/first-commands.ts";

const { exec, code, post } = firstCommands("http://127.0.0.1:4319", 1_768_469_400_000);

it("sends an event that the bridge takes", () => {
  const body = /-d '([^']*)'$/.exec(post)?.[1] as string;
  expect(parseOrchestratorEvent(JSON.parse(body))).toMatchObject({ type: "orchestra.job.created" });
  expect(post).toContain("curl -X POST http://127.0.0.1:4319/v1/events");
});

it("uses what the package has", async () => {
  expect(exec).toMatch(/^npx orchestra-otel exec --worker \S+ --message "[^"]+" -- \S+/);
  const names = /import \{ (.*) \}/.exec(code)?.[1]?.split(", ") ?? [];
  expect(Object.keys(await import("../../../src/index.ts"))).toEqual(expect.arrayContaining(names));
});
