import { expect, it } from "vitest";
import { createClient, eventFrame, heartbeat, jobFrame, quiet, resyncFrame } from "./client-rig.ts";

const records = ["event", "snapshot"] as const;

function job(jobId: string, rest: object = {}) {
  return { jobId, workerId: "w", status: "running", revision: 0, startedAt: 0, updatedAt: 0, ...rest };
}

it("begins with the jobs, and goes on from where they are", async () => {
  const { request, told, until, connection } = createClient({ records, token: "secret" });
  const list = await request(0);
  expect(list.url.pathname + list.query).toBe("/v1/jobs?limit=1000");
  expect(list.headers.get("authorization")).toBe("Bearer secret");
  list.json({ jobs: [job("b"), job("a")], total: 2, cursor: "e-5" });
  const feed = await request(1);
  expect(feed.url.pathname + feed.query).toBe("/v1/events?after=e-5");
  expect(connection.cursor).toBe("e-5");
  feed.stream(eventFrame(6));
  await until(() => told.length === 2);
  expect(told).toEqual(["snapshot e-5: b a", "6"]);
});

it("takes none when it is told where to begin, until there is a gap", async () => {
  const { request, told, time, until } = createClient({ records, from: "e-3" });
  (await request(0)).stream(resyncFrame());
  await until(() => told.length === 1);
  await quiet();
  time.advance(500);
  (await request(1)).json({ jobs: [job("a")], cursor: "e-9" });
  expect((await request(2)).query).toBe("?after=e-9");
  expect(told).toEqual(["gap evicted", "snapshot e-9: a"]);
});

it("reads all pages, and goes on from the first", async () => {
  const { request, told } = createClient({ records });
  (await request(0)).json({ jobs: [job("c")], next: "c", cursor: "e-5" });
  expect((await request(1)).query).toBe("?limit=1000&after=c");
  (await request(1)).json({ jobs: [job("b")], next: "b", cursor: "e-6" });
  expect((await request(2)).query).toBe("?limit=1000&after=b");
  (await request(2)).json({ jobs: [job("a")], cursor: "e-7" });
  expect((await request(3)).query).toBe("?after=e-5");
  expect(told).toEqual(["snapshot e-5: c b a"]);
});

it("tells of a job that begins anew under an id that the list had", async () => {
  const { request, told, until } = createClient({ records });
  (await request(0)).json({ jobs: [job("c")], next: "c", cursor: "e-5" });
  (await request(1)).json({ jobs: [job("a", { revision: 3 })], cursor: "e-8" });
  (await request(2)).stream(jobFrame(8, "a", 3) + jobFrame(9, "a", 0) + jobFrame(10, "a", 1));
  await until(() => told.at(-1) === "a/1");
  expect(told.slice(1)).toEqual(["a/0", "a/1"]);
});

it("does not tell again what a later page has told", async () => {
  const { request, told, until } = createClient({ records });
  (await request(0)).json({ jobs: [job("c", { revision: 1 })], next: "c", cursor: "e-5" });
  (await request(1)).json({ jobs: [job("a", { revision: 3 })], cursor: "e-8" });
  const frames = [
    jobFrame(6, "a", 2),
    jobFrame(7, "c", 2),
    jobFrame(8, "a", 3),
    jobFrame(9, "a", 4),
    jobFrame(10, "new", 0),
  ];
  (await request(2)).stream(frames.join(""));
  await until(() => told.at(-1) === "new/0");
  expect(told.slice(1)).toEqual(["c/2", "a/4", "new/0"]);
});

it("asks the list for the one worker and session that are wanted", async () => {
  const { request } = createClient({ records, filters: { workerIds: ["w"], sessionIds: ["s"] } });
  expect((await request(0)).query).toBe("?limit=1000&workerId=w&sessionId=s");
});

it("picks the jobs that are wanted where the list cannot", async () => {
  const filters = { workerIds: ["a", "b"], sessionIds: ["s", "t"], jobIds: ["1", "2", "3", "4"] };
  const { request, told } = createClient({ records, filters });
  expect((await request(0)).query).toBe("?limit=1000");
  const jobs = [
    job("1", { workerId: "a", sessionId: "s" }),
    job("2", { workerId: "c", sessionId: "s" }),
    job("3", { workerId: "b" }),
    job("5", { workerId: "a", sessionId: "s" }),
  ];
  (await request(0)).json({ jobs, next: "5", cursor: "e-1" });
  (await request(1)).json({ jobs: [job("4", { workerId: "b", sessionId: "t" }), job("9")], cursor: "e-1" });
  await request(2);
  expect(told).toEqual(["snapshot e-1: 1 4"]);
});

it("replays the log when the bridge has not been told of it yet", async () => {
  const { request, told } = createClient({ records });
  (await request(0)).json({ jobs: [], cursor: "oldest" });
  expect((await request(1)).query).toBe("?after=oldest");
  expect(told).toEqual(["snapshot oldest: "]);
});

it("begins again when a page cannot be continued", async () => {
  const { request, told, time, until } = createClient({ records: ["snapshot", "state"], onEvent: () => {} });
  (await request(0)).json({ jobs: [job("c")], next: "c", cursor: "e-5" });
  (await request(1)).json({ error: { code: "INVALID_ARGUMENT", message: "gone" } }, 400);
  await until(() => told.includes("waiting"));
  await quiet();
  time.advance(500);
  (await request(2)).json({ jobs: [job("d")], cursor: "e-9" });
  await until(() => told.length === 4);
  expect(told).toEqual(["connecting", "waiting", "connecting", "snapshot e-9: d"]);
});

it.each([[{}], [null], [{ jobs: [] }]])("tries again when %j comes for a list", async (answer) => {
  const { request, connection, time, until } = createClient({ records });
  (await request(0)).json(answer);
  await until(() => connection.state.state === "waiting");
  await quiet();
  time.advance(500);
  await request(1);
});

it("reads no list of jobs for one who only wants events", async () => {
  const { request, requests } = createClient({});
  (await request(0)).stream(heartbeat(1));
  await quiet();
  expect(requests.map(({ url }) => url.pathname)).toEqual(["/v1/events"]);
});

it("waits for whoever takes the snapshot before it goes on", async () => {
  let done = () => {};
  const onSnapshot = () =>
    new Promise<void>((resolve) => {
      done = resolve;
    });
  const { request, requests } = createClient({ onSnapshot });
  (await request(0)).json({ jobs: [], cursor: "e-1" });
  await quiet();
  expect(requests).toHaveLength(1);
  done();
  await request(1);
});
