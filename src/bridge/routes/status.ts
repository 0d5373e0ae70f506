import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { SseHub } from "../../../exporters/sse.ts";
import { OrchestraError, reasonOf } from "../../errors.ts";
import { orchestratorEventSchema } from "../../event/event.ts";
import type { EventLog, EventLogBounds } from "../../event/event-log.ts";
import type { JobTable } from "../../event/job-table.ts";
import type { Access } from "../access.ts";

export interface StatusRoutesContext {
  access: Access;
  hub: SseHub;
  log: EventLog;
  jobs: JobTable;
  status: () => object;
  /** Where a trace is shown, with `{traceId}` in it. Default: readers are told of no such place. */
  traceUrl?: string | undefined;
}

/** `GET /v1/status`, `/v1/schema`, and the probes `/healthz` and `/readyz`, which tell nothing secret. */
export function statusRoutes(app: FastifyInstance, context: StatusRoutesContext): void {
  const { access, hub, log, jobs, status, traceUrl } = context;
  app.get("/v1/status", async (request) => {
    access.checkReader(request.raw);
    return { ...status(), sse: hub.stats(), log: await boundsOf(log), jobTable: jobs.stats(), traceUrl };
  });

  let schema: string | undefined;
  app.get("/v1/schema", async (request, reply) => {
    access.checkReader(request.raw);
    // As input, so that fields to come are allowed, as they are for every reader of events.
    schema ??= JSON.stringify(z.toJSONSchema(orchestratorEventSchema, { io: "input" }));
    return reply.type("application/schema+json").send(schema);
  });

  app.get("/healthz", async () => ({ status: "ok" }));

  app.get("/readyz", async () => {
    try {
      await log.bounds();
      return { status: "ready" };
    } catch (cause) {
      throw new OrchestraError("UNAVAILABLE", "The event log cannot be read", { cause });
    }
  });
}

/** What is looked at when something is wrong must not fail with it. */
async function boundsOf(log: EventLog): Promise<EventLogBounds | { error: string }> {
  try {
    return await log.bounds();
  } catch (error) {
    return { error: reasonOf(error) };
  }
}
