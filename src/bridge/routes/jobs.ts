import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { invalidArgument, unexpected } from "../../errors.ts";
import { name, text } from "../../event/event-fields.ts";
import type { EventLog } from "../../event/event-log.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import type { JobTable } from "../../event/job-table.ts";
import { JOB_STATUSES } from "../../job/job.ts";
import type { Access } from "../access.ts";
import { parseJson } from "../event-lines.ts";
import { parseInput } from "../query.ts";

/** The full texts of a job, which are in no event. */
export interface JobContent {
  message?: string | undefined;
  response?: string | undefined;
}

export interface JobRoutesContext {
  access: Access;
  jobs: JobTable;
  log: EventLog;
  content?: ((jobId: string) => JobContent | undefined) | undefined;
  cancelJob?: ((jobId: string, reason: string | undefined) => unknown) | undefined;
}

type JobRequest = FastifyRequest<{ Params: { id: string } }>;

const MAX_PAGE = 1_000;

const listQuery = z.object({
  status: z.enum(JOB_STATUSES).optional(),
  workerId: name.optional(),
  sessionId: name.optional(),
  after: name.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).optional(),
});

const jobQuery = z.object({ content: z.enum(["0", "1"]).optional(), after: name.optional() });
const cancelBody = z.object({ reason: text.optional() });

/** `GET /v1/jobs`, `GET /v1/jobs/:id` and, where jobs can be canceled, `POST /v1/jobs/:id/cancel`. */
export function jobRoutes(app: FastifyInstance, context: JobRoutesContext): void {
  const { access, cancelJob } = context;
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
    onRequest: async (request) => access.checkToken(request.raw),
    handler: async (request: JobRequest, reply) => {
      const { id } = request.params;
      const body = request.body instanceof Buffer && request.body.length > 0 ? parseJson(request.body) : {};
      await cancelJob(id, parseInput(cancelBody, body).reason);
      return reply.code(202).send({ jobId: id });
    },
  });
}

async function listJobs({ jobs, log }: JobRoutesContext, input: unknown): Promise<unknown> {
  const query = parseInput(listQuery, input);
  const { latest } = await log.bounds();
  const page = jobs.list(query);
  return { ...page, cursor: page.cursor ?? latest };
}

async function showJob(
  { access, jobs, log, content }: JobRoutesContext,
  request: JobRequest,
): Promise<unknown> {
  const { id } = request.params;
  const query = parseInput(jobQuery, request.query);
  if (query.content === "1") access.checkToken(request.raw);
  requireJob(jobs, id);
  const filter = { jobIds: [id] };
  const { records, next, gap } = await log.read({ after: query.after, limit: MAX_PAGE, filter });
  if (gap !== undefined) {
    throw invalidArgument("after", `a cursor to go on from (${gap})`, query.after);
  }
  const { latest } = await log.bounds();
  return {
    job: requireJob(jobs, id),
    events: records.map(({ event }) => event),
    next: records.length === MAX_PAGE ? next : undefined,
    cursor: jobs.cursor ?? latest,
    content: query.content === "1" ? (content?.(id) ?? null) : undefined,
  };
}

function requireJob(jobs: JobTable, id: string): JobSnapshot {
  const job = jobs.get(id);
  if (job === undefined) throw unexpected("UNKNOWN_JOB", "id", "a held job's", id);
  return job;
}
