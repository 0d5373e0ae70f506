import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { openTestBridge } from "../fixtures/test-bridge.ts";

const { cache } = createRequire(import.meta.url);

function loadedPackages(): ReadonlySet<string> {
  const names = Object.keys(cache).map((file) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

it("a bridge that answers has loaded nothing for schemas of Fastify's, as its routes have none", async () => {
  const { url } = await openTestBridge();
  for (const path of ["/v1/jobs", "/v1/status", "/v1/jobs?limit=none", "/nowhere"]) await fetch(url + path);
  const loaded = loadedPackages();
  expect(loaded).toContain("fastify");
  expect([...loaded].filter((name) => /ajv/.test(name))).toEqual([]);
});
