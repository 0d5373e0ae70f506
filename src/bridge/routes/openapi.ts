import type { FastifyInstance } from "fastify";
import type { Access } from "../access.ts";

export interface OpenApiRoutesContext {
  access: Access;
  /** Those that are registered, each as `GET /v1/jobs/:id`. */
  routes: () => readonly string[];
}

/** `GET /openapi.json`: what can be asked. It tells no more than the docs, but probes alone are for anybody. */
export function openApiRoutes(app: FastifyInstance, { access, routes }: OpenApiRoutesContext): void {
  let document: Promise<string> | undefined;
  app.get("/openapi.json", async (request, reply) => {
    access.checkReader(request.raw);
    document ??= describe(routes());
    return reply.type("application/json; charset=utf-8").send(await document);
  });
}

/** Loaded and made for the first who asks: most never do. */
async function describe(routes: readonly string[]): Promise<string> {
  const { openApiDocument } = await import("../openapi.ts");
  return JSON.stringify(openApiDocument(routes));
}
