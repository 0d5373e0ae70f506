import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { onTestFinished } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** The client as its users import it, from the sources. */
const ALIAS = {
  "orchestra-otel/client/shared-worker": join(ROOT, "src/client/shared-worker.ts"),
  "orchestra-otel/client": join(ROOT, "src/client/index.ts"),
};

/** A script and everything that it imports, as a browser loads it. */
export async function bundle(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [file in ALIAS ? file : join(ROOT, file)],
    alias: ALIAS,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return outputFiles[0]?.text as string;
}

/** A site on loopback that is closed when the running test ends: scripts by their path, and one page. */
export async function startSite(scripts: Readonly<Record<string, string>>, body = ""): Promise<string> {
  const page = `<!doctype html><title>Site</title>${body}<script type="module" src="/page.js"></script>`;
  const server = createServer(({ url = "/" }, response) => {
    const script = scripts[url];
    const isPage = url.split("?")[0] === "/";
    const type = script === undefined ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8";
    response.writeHead(script === undefined && !isPage ? 404 : 200, { "content-type": type });
    response.end(script ?? page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
