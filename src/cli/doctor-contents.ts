import { livenessOf, type ProcessIdentity } from "../store/process-identity.ts";
import { ageText, bytesText, countText } from "./amount.ts";
import type { Finding } from "./doctor-finding.ts";
import type { DataFileContents, InstanceRow, QueueRow } from "./doctor-tables.ts";

/** With a process there to send them, spans that are older than this are stuck. */
const STUCK_MS = 60_000;

/** What a data file holds means for its events, jobs and spans. */
export function contentsFindings(contents: DataFileContents, now: number): Finding[] {
  const { deadLetters } = contents;
  return [
    eventsFinding(contents, now),
    ...processFindings(contents.instances, now),
    ...jobFindings(contents),
    ...queueFindings(contents.queues, now),
    ...(deadLetters.spans === 0 ? [] : [deadLetterFinding(deadLetters, now)]),
  ];
}

function eventsFinding({ epoch, events, oldestAt, newestAt }: DataFileContents, now: number): Finding {
  const facts = { epoch, events, oldestAt, newestAt };
  if (oldestAt === undefined || newestAt === undefined) {
    return { part: "data file", status: "note", text: "It holds no events yet", facts };
  }
  const text = `${countText(events, "event")}, the oldest ${ageText(now - oldestAt)} old, the newest ${ageText(now - newestAt)}; epoch ${epoch}`;
  return { part: "data file", status: "ok", text, facts };
}

function processFindings(instances: readonly InstanceRow[], now: number): Finding[] {
  const signedIn = instances.filter(({ pid }) => pid !== null);
  if (signedIn.length === 0) {
    return [{ part: "data file", status: "note", text: "No process has it open", facts: { processes: [] } }];
  }
  return signedIn.map((row) => {
    const state = stateOf(row);
    const signs = `last sign of life ${ageText(now - row.beatAt)} ago`;
    const text = {
      alive: `Process ${row.pid} has it open, ${signs}`,
      gone: `Process ${row.pid} is gone without having closed it, ${signs}`,
      unknown: `Process ${row.pid} of ${row.host} may have it open, ${signs}`,
    }[state];
    const { id: lease, pid, host, beatAt } = row;
    return {
      part: "data file",
      status: state === "alive" ? "ok" : "note",
      text,
      facts: { lease, pid, host, beatAt, state },
    };
  });
}

function jobFindings({ instances, openJobs }: DataFileContents): Finding[] {
  if (openJobs.length === 0) {
    return [{ part: "jobs", status: "ok", text: "None is open", facts: { open: 0 } }];
  }
  return openJobs.map(({ owner, jobs }) => {
    const instance = instances.find(({ id }) => id === owner);
    const open = countText(jobs, "open job");
    const state = instance === undefined ? "foreign" : stateOf(instance);
    const text = {
      alive: `${open} of process ${instance?.pid}, which runs`,
      gone: `${open} of a process that is gone: the next one that opens the file ends them as interrupted`,
      unknown: `${open} of process ${instance?.pid} of ${instance?.host}, of which nothing is known here`,
      foreign: `${open} whose process never opened the file, such as one that posts its events`,
    }[state];
    const status = state === "alive" ? "ok" : "note";
    return { part: "jobs", status, text, facts: { open: jobs, owner, state } };
  });
}

function queueFindings(queues: readonly QueueRow[], now: number): Finding[] {
  if (queues.length === 0) {
    return [{ part: "spans", status: "ok", text: "None waits to be sent", facts: { spans: 0 } }];
  }
  return queues.map((queue) => {
    const { spans, bytes, oldestAt, pid } = queue;
    const state = stateOf({ ...queue, pid: queue.holder === null ? null : pid });
    const ageMs = now - (oldestAt ?? now);
    const isStuck = state === "alive" && ageMs > STUCK_MS;
    const sender = {
      alive: isStuck ? `process ${pid} cannot get rid of them` : `process ${pid} sends them`,
      gone: "the next process on this file that makes spans sends them",
      unknown: `process ${pid} of ${queue.host} may send them`,
    }[state];
    const waiting = `${countText(spans, "span")} of ${bytesText(bytes)}, the oldest ${ageText(ageMs)} old`;
    return {
      part: "spans",
      status: isStuck ? "broken" : "note",
      text: `Waiting: ${waiting}; ${sender}`,
      facts: { spans, bytes, oldestAt, pid, state },
    };
  });
}

function deadLetterFinding(deadLetters: DataFileContents["deadLetters"], now: number): Finding {
  const { spans, bytes, lastReason, lastAt } = deadLetters;
  const refused = `${countText(spans, "span")} of ${bytesText(bytes)} were refused by the receiver for good`;
  const last = `the last ${ageText(now - (lastAt ?? now))} ago: ${lastReason}`;
  return {
    part: "spans",
    status: "broken",
    text: `${refused} and are kept as dead letters, ${last}`,
    facts: { deadLetters },
  };
}

function stateOf({ pid, ...row }: Omit<ProcessIdentity, "pid"> & { pid: number | null }) {
  if (pid === null) return "gone";
  const { host, startToken } = row;
  return livenessOf({ host, pid, startToken });
}
