import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { examineDataFile } from "../../../src/cli/doctor-data-file.ts";
import { ownProcess, type ProcessIdentity } from "../../../src/store/process-identity.ts";
import { START_MS } from "../../fixtures/clock.ts";
import { openLeasedLog, ownersIn } from "../../fixtures/leased-log.ts";
import { createOutboxRig, openReceiver } from "../../fixtures/outbox-rig.ts";
import { append, jobEvent, openTestLog, openTestStore, temporaryFolder } from "../../fixtures/sqlite-logs.ts";

const MINUTE_MS = 60_000;
/** No system gives a process this id. */
const GONE: ProcessIdentity = { ...ownProcess(), pid: 2 ** 30 };
const ELSEWHERE: ProcessIdentity = { host: "elsewhere", pid: 7, startToken: null };

async function examine(file: string, now = START_MS) {
  const findings = await examineDataFile(file, { cwd: "/", now: () => now });
  return findings.map(({ part, status, text }) => `${part} ${status}: ${text}`);
}

/** A log with an event a minute apart each. */
async function openLog(...ids: string[]) {
  let now = START_MS;
  const opened = await openTestLog({ now: () => now });
  for (const id of ids) {
    await append(opened.log, id);
    now += MINUTE_MS;
  }
  return opened;
}

describe("without a file", () => {
  test("it is said that nothing outlives the process", async () => {
    expect(await examineDataFile(undefined, { cwd: "/", now: Date.now })).toEqual([
      {
        part: "data file",
        status: "note",
        text: "None: events and spans are in memory, and gone with the process",
      },
    ]);
  });

  test("it is said that one will be made, in folders that will be made, and none is", async () => {
    const folder = temporaryFolder();
    const findings = await examineDataFile("not/yet/x.db", { cwd: folder, now: Date.now });
    expect(findings).toMatchObject([
      { status: "note", text: `${join(folder, "not/yet/x.db")} is not there yet: the first start makes it` },
    ]);
    expect(existsSync(join(folder, "not"))).toBe(false);
  });
});

describe("a sound file", () => {
  test("is told of by its size, its events, their age and the epoch", async () => {
    const { file, store } = await openLog("1", "2", "3");
    const epoch = store.prepare("SELECT value FROM event_log WHERE name = 'epoch'").get()?.value;
    expect(await examine(file, START_MS + 3 * MINUTE_MS)).toEqual([
      expect.stringMatching(/^data file ok: .*events\.db is sound: [\d.]+ kB and a journal of [\d.]+ kB$/),
      `data file ok: 3 events, the oldest 3 minutes old, the newest 1 minute; epoch ${epoch}`,
      "data file note: No process has it open",
      "jobs ok: None is open",
      "spans ok: None waits to be sent",
    ]);
  });

  test("counts what retention has left", async () => {
    const { file, log } = await openTestLog({ retention: { maxEvents: 2 } });
    for (const id of ["1", "2", "3", "4"]) await append(log, id);
    expect(await examine(file, Date.now())).toContainEqual(expect.stringContaining("ok: 2 events, "));
  });

  test("may hold nothing yet", async () => {
    const { file } = await openTestStore();
    expect(await examine(file)).toContain("data file note: It holds no events yet");
  });

  test("stays as it is to the last byte, and so does its journal", async () => {
    const { file } = await openLog("1");
    const state = () => [file, `${file}-wal`].map((path) => [readFileSync(path), statSync(path).mtimeMs]);
    const before = state();
    await examine(file);
    expect(state()).toEqual(before);
  });
});

describe("processes and their jobs", () => {
  async function openShared() {
    const store = await openTestStore();
    const open = (source: string, process: ProcessIdentity) =>
      openLeasedLog({ store, source, process, now: () => START_MS });
    return { store, file: store.file, open };
  }

  test("are told apart: alive, gone, of another machine, and never seen", async () => {
    const { file, open } = await openShared();
    const ours = await open("ours", ownProcess());
    ours.begin("1", "2");
    ours.log.append([jobEvent("created", { jobId: "3", source: "poster" })]);
    (await open("dead", GONE)).begin("4");
    (await open("far", ELSEWHERE)).begin("5");
    const lines = await examine(file, START_MS + 5_000);
    const { pid } = process;
    expect(lines).toEqual(
      expect.arrayContaining([
        `data file ok: Process ${pid} has it open, last sign of life 5 seconds ago`,
        `data file note: Process ${GONE.pid} is gone without having closed it, last sign of life 5 seconds ago`,
        "data file note: Process 7 of elsewhere may have it open, last sign of life 5 seconds ago",
        `jobs ok: 2 open jobs of process ${pid}, which runs`,
        "jobs note: 1 open job of a process that is gone: the next one that opens the file ends them as interrupted",
        "jobs note: 1 open job of process 7 of elsewhere, of which nothing is known here",
        "jobs note: 1 open job whose process never opened the file, such as one that posts its events",
      ]),
    );
  });

  test("stay whose they are: orphans are counted, not claimed", async () => {
    const { store, file, open } = await openShared();
    const { begin, leases } = await open("dead", GONE);
    begin("orphan");
    await examine(file);
    await examine(file);
    expect(ownersIn(store)).toEqual({ orphan: leases.id });
  });
});

describe("unsent spans", () => {
  async function openOutbox() {
    const receiver = await openReceiver();
    await receiver.behave("503");
    const store = await openTestStore();
    const rig = await createOutboxRig({ url: receiver.url, store });
    return { ...rig, receiver, file: store.file };
  }

  test("are told of by their number, size, age and sender", async () => {
    const { outbox, end, file } = await openOutbox();
    end(3);
    await outbox.forceFlush();
    expect(await examine(file, START_MS + 2_000)).toContainEqual(
      expect.stringMatching(
        new RegExp(
          `^spans note: Waiting: 3 spans of [\\d.]+ kB, the oldest 2 seconds old; process ${process.pid} sends them$`,
        ),
      ),
    );
    expect(await examine(file, START_MS + 5 * MINUTE_MS)).toContainEqual(
      expect.stringMatching(
        /^spans broken: Waiting: 3 spans .* 5 minutes old; process \d+ cannot get rid of them$/,
      ),
    );
  });

  test("wait for the next process when theirs has ended", async () => {
    const { outbox, end, file } = await openOutbox();
    end(1);
    await outbox.shutdown({ deadlineMs: 50 });
    expect(await examine(file, START_MS + 5 * MINUTE_MS)).toContainEqual(
      expect.stringMatching(/^spans note: .*; the next process on this file that makes spans sends them$/),
    );
  });

  test("that the receiver will never take are dead letters, with its last word", async () => {
    const { outbox, end, receiver, file } = await openOutbox();
    const refusal = { status: 400, headers: { "content-type": "text/plain" }, body: "no such tenant" };
    // Of both together, and then of each.
    receiver.script(refusal, refusal, refusal);
    end(2);
    await outbox.forceFlush();
    expect(await examine(file, START_MS + MINUTE_MS)).toContainEqual(
      expect.stringMatching(
        /^spans broken: 2 spans of .* for good and are kept as dead letters, the last 1 minute ago: HTTP 400: no such tenant$/,
      ),
    );
  });
});

describe("a file that is broken", () => {
  test("is called corrupt, is left in place, and it is said what the next start does", async () => {
    const { file, store } = await openLog("1");
    store.close();
    const bytes = readFileSync(file).fill(0xa5, 4_096);
    writeFileSync(file, bytes);
    const lines = await examine(file);
    expect(lines).toEqual([
      expect.stringMatching(
        /^data file broken: .*events\.db is corrupt \(.+\): the next start keeps it aside and begins a new one$/s,
      ),
    ]);
    expect(readFileSync(file)).toEqual(bytes);
  });

  test("is called corrupt when only the name of a column is", async () => {
    const { file, store } = await openLog("1");
    store.exec("ALTER TABLE events RENAME COLUMN appended_at TO appended_av");
    expect(await examine(file)).toEqual([
      expect.stringMatching(
        /corrupt \(its table `events` is not as it was made\): the next start keeps it aside/,
      ),
    ]);
  });

  test("is not ours to use when another program's is there", async () => {
    const store = await openTestStore();
    store.exec("CREATE TABLE events (id INTEGER PRIMARY KEY, happened TEXT)");
    expect(await examine(store.file)).toEqual([
      expect.stringMatching(
        /^data file broken: .+ cannot be used: it is another program's, with tables .+`events`$/,
      ),
    ]);
  });

  test("may be no database, or no file", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "x.db");
    writeFileSync(file, "not a database, but long enough to look like one".repeat(30));
    expect(await examine(file)).toEqual([expect.stringMatching(/corrupt \(file is not a database\)/)]);
    expect(await examine(folder)).toEqual([expect.stringMatching(/^data file broken: .* cannot be read: /)]);
  });

  test("may be of a version that cannot be read", async () => {
    const { file, store } = await openLog("1");
    store.exec(
      "ALTER TABLE events RENAME COLUMN ordinal TO number; UPDATE event_log SET value = 3 WHERE name = 'schema'",
    );
    expect(await examine(file)).toContainEqual(expect.stringContaining("cannot be read: no such column"));
  });

  test("shows the copies that earlier starts have kept aside", async () => {
    const { file } = await openLog("1");
    const copy = `${file}.corrupt-20260101T000000Z`;
    for (const suffix of ["", "-wal", "-shm"]) writeFileSync(copy + suffix, "x".repeat(2_000));
    expect((await examine(file)).filter((line) => line.includes("corrupt"))).toEqual([
      `data file note: A corrupt copy was kept aside: ${join(dirname(file), basename(copy))}, 2.0 kB`,
    ]);
  });
});
