import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { expect, it } from "vitest";
import { startTestBridge } from "../fixtures/bridge.ts";

const NOTE = ".cache/panel/sources";
const build = () => execFileSync(process.execPath, ["scripts/panel.cjs"], { stdio: ["ignore", "pipe", 2] });

it("builds the panel of a checkout once, and the bridge serves it", async () => {
  expect(build().toString()).toBe("");
  const { mtimeMs } = statSync(NOTE);
  build();
  expect(statSync(NOTE).mtimeMs).toBe(mtimeMs);

  const test = await startTestBridge();
  try {
    const page = await (await fetch(`${test.url}/`)).text();
    expect(page).toBe(readFileSync(".cache/panel/index.html", "utf8"));
    const assets = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path as string);
    expect(assets.map((path) => path.replace(/.*\./, "")).sort()).toEqual(["css", "js", "js", "svg"]);
    for (const path of assets) expect((await fetch(`${test.url}${path}`)).status, path).toBe(200);
    // Nothing stands in the page that its own policy forbids.
    expect(page).not.toMatch(/<style|style="|<script(?![^>]*src=)|\son\w+=|https?:\/\//);
  } finally {
    await test.close();
  }
});
