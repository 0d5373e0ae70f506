import { connect, isEvent } from "orchestra-otel/client";

const say = (text) => process.stdout.write(`${text}\n`);

const feed = connect({
  url: process.env.BRIDGE ?? "http://127.0.0.1:4319",
  token: process.env.ORCHESTRA_TOKEN,
  filters: { types: ["orchestra.job.*"] },
  onSnapshot: ({ jobs }) => say(`${jobs.length} jobs so far`),
  onGap: ({ reason }) => say(`events are missing here: ${reason}`),
});

for await (const event of feed) {
  if (isEvent(event, "orchestra.job.completed", "orchestra.job.failed")) {
    const { workerId, status, durationMs } = event.data;
    say(`${workerId} ${status} after ${durationMs} ms`);
  }
}
