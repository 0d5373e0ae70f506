import { expect, it } from "vitest";
import { append, openTestLog } from "../fixtures/sqlite-logs.ts";
import { openTestBridge } from "../fixtures/test-bridge.ts";

it("the status is told although the log cannot be read, with the reason", async () => {
  const { log, store } = await openTestLog();
  await append(log, "1");
  const { url } = await openTestBridge({ log });
  const status = async () => (await fetch(`${url}/v1/status`)).json();
  const { oldest, latest } = log.bounds();
  expect(await status()).toMatchObject({ log: { oldest, latest }, jobTable: {}, sse: {} });

  store.exec("ALTER TABLE events RENAME TO elsewhere");
  const answer = await fetch(`${url}/v1/status`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    log: { error: expect.stringMatching(/cannot be read: .*events/) },
    events: {},
    jobTable: {},
    sse: {},
  });
});
