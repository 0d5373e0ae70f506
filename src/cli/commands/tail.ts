import type { EventSourceMessage } from "eventsource-parser";
import { RESYNC_EVENT } from "../../../exporters/sse-frame.ts";
import { defineCommand, type Invocation, UsageError } from "../command.ts";
import type { CliContext } from "../context.ts";
import { defaultBridge, findBridge } from "../discovery.ts";
import { type FeedConnection, readEventFeed } from "../event-feed.ts";
import { FeedPrinter, resyncOf } from "../feed-printer.ts";

/** Asks for all that the bridge holds. One that does not know it answers so, and then sends just that. */
const OLDEST = "oldest";

const FLAGS = {
  type: {
    type: "string",
    value: "TYPE",
    multiple: true,
    help: "Only this type, or a prefix: 'orchestra.job.*'",
  },
  worker: { type: "string", value: "NAME", multiple: true, help: "Only events of this worker" },
  session: { type: "string", value: "ID", multiple: true, help: "Only events of this session" },
  job: { type: "string", value: "ID", multiple: true, help: "Only events of this job" },
  since: {
    type: "string",
    value: "WHEN",
    help: "all: begin with what the bridge still holds; now (default): only news",
  },
  json: { type: "boolean", help: "Print each event as one line of JSON, as it came" },
  token: {
    type: "string",
    value: "TOKEN",
    help: "The bridge's token (default: $ORCHESTRA_TOKEN, that of serve)",
  },
} as const;

export const tail = defineCommand({
  name: "tail",
  summary: "Follow the live feed of a bridge",
  usage: "tail [URL] [flags]",
  flags: FLAGS,
  run: async ({ flags, operands, rest }, context) => {
    const [url, unexpected = rest?.[0]] = operands;
    if (unexpected !== undefined) throw new UsageError(`Unexpected argument '${unexpected}'`);
    const { since = "now", json = false } = flags;
    if (since !== "all" && since !== "now") {
      throw new UsageError(`Option '--since' takes all or now, got '${since}'`);
    }
    const target = () =>
      findBridge({ url, token: flags.token }, context.env, "URL") ?? defaultBridge(context.env);
    target();
    return follow({ target, query: queryOf({ ...flags, since }) }, json, context);
  },
});

type Feed = Pick<Parameters<typeof readEventFeed>[0], "target" | "query">;

async function follow(feed: Feed, json: boolean, context: CliContext): Promise<number> {
  const stop = new AbortController();
  const off = context.onSignal(() => stop.abort());
  const printer = new FeedPrinter(context, { json });
  const onConnection = (connection: FeedConnection) => printer.connection(connection);
  const onSkipped = () => void printer.note("an event that is too long was left out").catch(() => {});
  try {
    for await (const message of readEventFeed({ ...feed, onConnection, onSkipped, signal: stop.signal })) {
      if (!isAskedFor(message)) await printer.message(message);
    }
  } finally {
    off();
    await printer.close();
  }
  return 0;
}

/** The bridge's answer to our asking for all there is. */
function isAskedFor({ event, data }: EventSourceMessage): boolean {
  return event === RESYNC_EVENT && resyncOf(data).requested === OLDEST;
}

function queryOf(flags: Invocation<typeof FLAGS>["flags"]): URLSearchParams {
  const query = new URLSearchParams(flags.since === "all" ? { after: OLDEST } : {});
  const parameters = { type: flags.type, workerId: flags.worker, sessionId: flags.session, jobId: flags.job };
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of values ?? []) query.append(name, value);
  }
  return query;
}
