import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";

const ROOM = `${process.cwd()}/src/client`;
/** Bytes, gzipped: what a page loads to follow the feed. */
const LIMIT = 5_000;

async function bundleOf(contents: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: ROOM, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
  });
  return { code: outputFiles[0]?.contents as Uint8Array, inputs: Object.keys(metafile.inputs) };
}

it(`comes to less than ${LIMIT} bytes, with everything that it needs`, async () => {
  const { code } = await bundleOf('export { connect, FeedError, isEvent } from "./index.ts"');
  expect(gzipSync(code, { level: 9 }).length).toBeLessThan(LIMIT);
});

it.each(["./index.ts", "./shared-worker.ts"])(
  "loads from %s nothing but itself and a parser",
  async (entry) => {
    const { inputs } = await bundleOf(`export * from "${entry}"`);
    const strangers = inputs.filter((file) => !/^(<stdin>|src\/client\/[a-z-]+\.ts)$/.test(file));
    const packages = strangers.map((file) => file.replace(/(?<=^node_modules\/[a-z-]+)\/.*/, ""));
    expect(new Set(packages)).toEqual(new Set(["node_modules/eventsource-parser", "src/event/cursor.ts"]));
  },
);
