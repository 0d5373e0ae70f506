import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { OrchestraError } from "../../errors.ts";
import { findPanel, type PanelFile, type PanelFiles, readPanel } from "../panel-files.ts";

export interface PanelRoutesContext {
  /** The folder of the built panel. Default: where the package, or the build of a checkout, has it. */
  panel?: string | undefined;
}

/** Nothing from elsewhere, nothing inline, and no page of anybody else around it. */
const POLICY = [
  "default-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join("; ");

const PAGE_HEADERS = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "cache-control": "no-cache",
};
/** Their names change with what is in them. */
const ASSET_HEADERS = { "cache-control": "public, max-age=31536000, immutable" };

type AssetRequest = FastifyRequest<{ Params: { file: string } }>;

/**
 * `GET /` and `GET /assets/:file`: the control panel. Its files tell nothing of any job, so they are for
 * everybody whose Host is let in; what the panel then reads is not.
 */
export function panelRoutes(app: FastifyInstance, { panel }: PanelRoutesContext): void {
  let files: Promise<PanelFiles | undefined> | undefined;
  const read = async (): Promise<PanelFiles | undefined> => {
    const folder = panel ?? findPanel();
    try {
      return folder === undefined ? undefined : await readPanel(folder);
    } catch {
      return undefined;
    }
  };
  const find = async (name: string): Promise<PanelFile> => {
    // Read for the first who asks: most processes are never looked at.
    files ??= read();
    const found = await files;
    // It may be built later.
    if (found === undefined) files = undefined;
    const file = found?.get(name);
    if (file !== undefined) return file;
    throw new OrchestraError("NOT_FOUND", found ? "There is no such file" : "The panel was not built");
  };
  app.get("/", async (request, reply) => {
    const file = await find("index.html");
    return send(request, reply.headers(PAGE_HEADERS), file);
  });
  app.get("/assets/:file", async (request: AssetRequest, reply) => {
    const file = await find(`assets/${request.params.file}`);
    return send(request, reply.headers({ ...PAGE_HEADERS, ...ASSET_HEADERS }), file);
  });
}

function send(request: FastifyRequest, reply: FastifyReply, file: PanelFile): FastifyReply {
  const { type, bytes, gzipped, etag } = file;
  reply.headers({ etag, vary: "Origin, Accept-Encoding" });
  if (request.headers["if-none-match"] === etag) return reply.code(304).send();
  reply.type(type);
  if (!/\bgzip\b/.test(String(request.headers["accept-encoding"]))) return reply.send(bytes);
  return reply.header("content-encoding", "gzip").send(gzipped);
}
