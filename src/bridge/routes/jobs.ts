import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { unexpected } from "../../errors.ts";
import { OLDEST } from "../../event/cursor.ts";
import { name, text } from "../../event/event-fields.ts";
import type { Cursor, EventLog } from "../../event/event-log.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import type { JobTable } from "../../event/job-table.ts";
import { JOB_STATUSES } from "../../job/job.ts";
import type { Access } from "../access.ts";
import { parseJson } from "../event-lines.ts";
import { readJobEvents } from "../job-events.ts";
import { parseInput } from "../query.ts";
import type { RequestBodies } from "../request-bodies.ts";

/** The full texts of a job, which are in no event. */
export interface JobContent {
  message?: string | undefined;
  response?: string | undefined;
}

export interface JobRoutesContext {
  access: Access;
  bodies: RequestBodies;
  jobs: JobTable;
  log: EventLog;
  content?: ((jobId: string) => JobContent | undefined) | undefined;
  cancelJob?: ((jobId: string, reason: string | undefined) => unknown) | undefined;
}

type JobRequest = FastifyRequest<{ Params: { id: string } }>;

const MAX_PAGE = 1_000;

export const listQuery = z.strictObject({
  status: z.enum(JOB_STATUSES).optional(),
  workerId: name.optional(),
  sessionId: name.optional(),
  after: name.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).optional(),
});

export const jobQuery = z.strictObject({ content: z.enum(["0", "1"]).optional(), after: name.optional() });
export const cancelBody = z.strictObject({ reason: text.optional() });

/** `GET /v1/jobs`, `GET /v1/jobs/:id` and, where jobs can be canceled, `POST /v1/jobs/:id/cancel`. */
export function jobRoutes(app: FastifyInstance, context: JobRoutesContext): void {
  const { access, bodies, cancelJob } = context;
  app.get("/v1/jobs", async (request) => {
    access.checkReader(request.raw);
    return listJobs(context, request.query);
  });
  app.get("/v1/jobs/:id", async (request: JobRequest) => {
    access.checkReader(request.raw);
    return showJob(context, request);
  });
  if (cancelJob === undefined) return;
  app.post("/v1/jobs/:id/cancel", {
    onRequest: async (request) => access.checkWriter(request.raw),
    handler: async (request: JobRequest, reply) => {
      const { id } = request.params;
      const body = await bodies.read(request.raw, reply.raw);
      const { reason } = parseInput(cancelBody, body.length > 0 ? parseJson(body) : {});
      await cancelJob(id, reason);
      return reply.code(202).send({ jobId: id });
    },
  });
}

async function listJobs({ jobs, log }: JobRoutesContext, input: unknown): Promise<unknown> {
  const query = parseInput(listQuery, input);
  // Asked first: what comes meanwhile lies after it. What the log holds the table may not know yet.
  const { oldest, latest } = await log.bounds();
  const page = jobs.list(query);
  return { ...page, cursor: page.cursor ?? (oldest === undefined ? latest : OLDEST) };
}

async function showJob(
  { access, jobs, log, content }: JobRoutesContext,
  request: JobRequest,
): Promise<unknown> {
  const { id } = request.params;
  const query = parseInput(jobQuery, request.query);
  if (query.content === "1") access.checkToken(request.raw);
  const job = requireJob(jobs, id);
  // A table that holds a job has a place in the log, and the job is as of there.
  const cursor = jobs.cursor as Cursor;
  const page = await readJobEvents(log, id, { after: query.after, last: cursor });
  return {
    job,
    ...page,
    cursor,
    content: query.content === "1" ? (content?.(id) ?? null) : undefined,
  };
}

function requireJob(jobs: JobTable, id: string): JobSnapshot {
  const job = jobs.get(id);
  if (job === undefined) throw unexpected("UNKNOWN_JOB", "id", "a held job's", id);
  return job;
}
