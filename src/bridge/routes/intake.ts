import type { FastifyInstance } from "fastify";
import type { Access } from "../access.ts";
import type { EventIntake } from "../event-intake.ts";
import { readEvent, readEventLines } from "../event-lines.ts";
import type { RequestBodies } from "../request-bodies.ts";

export interface IntakeRoutesContext {
  access: Access;
  bodies: RequestBodies;
  intake: EventIntake;
  maxLineLength: number;
}

/** `POST /v1/events`: one event as JSON, or many as NDJSON. */
export function intakeRoutes(
  app: FastifyInstance,
  { access, bodies, intake, maxLineLength }: IntakeRoutesContext,
): void {
  app.post("/v1/events", {
    // Before the body is read: who may not write may not make us read either.
    onRequest: async (request) => access.checkWriter(request.raw),
    handler: async (request, reply) => {
      const body = await bodies.read(request.raw, reply.raw);
      const isLines = request.headers["content-type"]?.toLowerCase().startsWith(NDJSON) === true;
      const posted = (isLines ? readEventLines : readEvent)(body, maxLineLength);
      return reply.code(202).send(await intake.take(posted));
    },
  });
}

export const NDJSON = "application/x-ndjson";
