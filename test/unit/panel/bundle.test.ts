import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";

/** Bytes, gzipped: all scripts and styles of the panel. */
const LIMIT = 60_000;

/** Scripts that come before the bundle, as they are. */
const PLAIN = "src/panel/public/assets";
const plainScripts = readdirSync(PLAIN).map((name) => ({ name, bytes: readFileSync(join(PLAIN, name)) }));

const { outputFiles, metafile } = await build({
  entryPoints: ["src/panel/main.tsx", "src/panel/style/main.css", "src/client/shared-worker.ts"],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  metafile: true,
  outdir: "out",
  write: false,
});

it(`comes to less than ${LIMIT} bytes`, () => {
  const contents = [...outputFiles.map((file) => file.contents), ...plainScripts.map(({ bytes }) => bytes)];
  const lengths = contents.map((bytes) => gzipSync(bytes, { level: 9 }).length);
  expect(lengths).toHaveLength(4);
  expect(lengths.reduce((total, length) => total + length, 0)).toBeLessThan(LIMIT);
});

it("has plain scripts that the page names, and that are named by what is in them: browsers keep them for ever", () => {
  const page = readFileSync("src/panel/index.html", "utf8");
  for (const { name, bytes } of plainScripts) {
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
    expect(name).toMatch(new RegExp(`^[a-z]+-${hash}\\.js$`));
    expect(page).toContain(`<script src="/assets/${name}"></script>`);
  }
});

it("loads nothing that the rooms do not tell of, least of all a checker of schemas", () => {
  const packages = Object.keys(metafile.inputs)
    .filter((file) => file.startsWith("node_modules/"))
    .map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  expect([...new Set(packages)].sort()).toEqual([
    "@preact/signals",
    "@preact/signals-core",
    "eventsource-parser",
    "preact",
  ]);
});
