"use strict";

// npm start -- --exit --json | tail -n 1 | node scripts/check-summary.cjs
// Checks what the quickstart says of itself.

const assert = require("node:assert");
const fs = require("node:fs");

const { jobs, events, spans, logLines, sse, url } = JSON.parse(fs.readFileSync(0, "utf8"));

assert.strictEqual(jobs.created, jobs.succeeded + jobs.failed + jobs.canceled, "a job did not end");
assert(jobs.created >= 6, "fewer than 6 jobs");
assert(jobs.failed >= 1, "no job failed");
assert(jobs.canceled >= 1, "no job was canceled");
assert.strictEqual(sse.delivered, events, "the feed did not deliver every event");
for (const count of [spans.ended, spans.exported, spans.pending, logLines]) {
  assert(Number.isInteger(count) && count >= 0, "a count is not a whole number");
}
assert(spans.ended >= jobs.created, "a job has no span");
assert(/^http:\/\//.test(url), "no URL");
