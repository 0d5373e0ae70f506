import type { FastifyInstance } from "fastify";
import type { Access } from "../access.ts";

/** `POST /v1/session`: a browser shows the token once and gets a cookie for its EventSource. */
export function sessionRoutes(app: FastifyInstance, { access }: { access: Access }): void {
  app.post("/v1/session", {
    // Before anything of a body is looked at, which has no meaning here.
    onRequest: async (request, reply) => {
      const cookie = access.issueCookie(request.raw);
      return reply.code(204).header("set-cookie", cookie).header("cache-control", "no-store").send();
    },
    handler: async () => {},
  });
}
