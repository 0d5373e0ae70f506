import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

export interface PanelFile {
  /** As `Content-Type` takes it. */
  type: string;
  bytes: Buffer;
  gzipped: Buffer;
  /** In quotes, as `ETag` takes it. */
  etag: string;
}

/** By name, such as `index.html` and `assets/index-1a2b.js`. */
export type PanelFiles = ReadonlyMap<string, PanelFile>;

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const compress = promisify(gzip);

/** Where the panel lies beside the compiled library, and where a checkout builds it. */
const PLACES = ["../../panel/", "../../.cache/panel/"];

/** The folder of the built panel; undefined when it was not built. */
export function findPanel(): string | undefined {
  const folders = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return folders.find((folder) => existsSync(join(folder, "index.html")));
}

/** Everything in `folder` that a browser may be given. What is not in it now is never served. */
export async function readPanel(folder: string): Promise<PanelFiles> {
  const assets = await readdir(join(folder, "assets"));
  const names = ["index.html", ...assets.map((asset) => `assets/${asset}`)];
  const known = names.filter((name) => extname(name) in TYPES);
  return new Map(
    await Promise.all(known.map(async (name) => [name, await readPanelFile(folder, name)] as const)),
  );
}

async function readPanelFile(folder: string, name: string): Promise<PanelFile> {
  const bytes = await readFile(join(folder, name));
  return {
    type: TYPES[extname(name)] as string,
    bytes,
    gzipped: await compress(bytes, { level: 9 }),
    etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
  };
}
