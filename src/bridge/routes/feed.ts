import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import type { SseHub } from "../../../exporters/sse.ts";
import { name } from "../../event/event-fields.ts";
import type { EventFilter } from "../../event/event-filter.ts";
import type { Access } from "../access.ts";
import { parseInput } from "../query.ts";
import { openEventStream } from "../sse-response.ts";
import { isShared, openSharedEventStream } from "../sse-shared-response.ts";

export const FEED_PATH = "/v1/events";

/** Values of one filter. */
const MAX_CHOICES = 100;

const choices = z.union([name.transform((value) => [value]), z.array(name).max(MAX_CHOICES)]).optional();

export const feedQuery = z.strictObject({
  type: choices,
  workerId: choices,
  sessionId: choices,
  jobId: choices,
  last_event_id: z.string().optional(),
  after: z.string().optional(),
});

type FeedQuery = z.infer<typeof feedQuery>;

/** `GET /v1/events`: the live feed, from a cursor on when one is given. */
export function feedRoutes(app: FastifyInstance, { hub, access }: { hub: SseHub; access: Access }): void {
  app.get(FEED_PATH, (request, reply) => {
    access.checkReader(request.raw);
    const query = parseInput(feedQuery, request.query);
    // What is wrong with the filter must be told before the stream begins.
    const filter = hub.compile(filterOf(query));
    reply.hijack();
    const connection = (isShared(reply.raw) ? openSharedEventStream : openEventStream)(reply.raw);
    if (request.method === "HEAD") connection.end();
    else hub.connect(connection, { after: cursorOf(request, query), filter });
  });
}

function filterOf({ type, workerId, sessionId, jobId }: FeedQuery): EventFilter {
  return { types: type, workerIds: workerId, sessionIds: sessionId, jobIds: jobId };
}

/** The header wins: the URL stays what it was at the first connect, while the header moves on. */
function cursorOf({ headers }: FastifyRequest, { last_event_id, after }: FeedQuery): string | undefined {
  const header = headers["last-event-id"];
  return (typeof header === "string" ? header : "") || last_event_id || after || undefined;
}
