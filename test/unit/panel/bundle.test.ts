import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";

/** Bytes, gzipped: all scripts and styles of the panel. */
const LIMIT = 60_000;

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
  const lengths = outputFiles.map(({ contents }) => gzipSync(contents, { level: 9 }).length);
  expect(lengths).toHaveLength(3);
  expect(lengths.reduce((total, length) => total + length, 0)).toBeLessThan(LIMIT);
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
