import { copyFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { append, idsOf, openTestLog, readAll, temporaryFolder } from "../../fixtures/sqlite-logs.ts";

it("a journal that is torn keeps what was committed before, and readers beyond that are told", async () => {
  const { log, file } = await openTestLog();
  const cursors = [];
  for (const id of ["1", "2", "3"]) cursors.push(...(await append(log, id)));
  // As a power cut leaves it: the end of the last commit never reached the disk.
  const torn = join(temporaryFolder(), "torn.db");
  for (const suffix of ["", "-wal"]) copyFileSync(file + suffix, torn + suffix);
  truncateSync(`${torn}-wal`, statSync(`${torn}-wal`).size - 1);

  const after = await openTestLog({ file: torn });

  expect(idsOf(readAll(after.log))).toEqual(["1", "2"]);
  expect(after.log.bounds().latest).toBe(cursors[1]);
  expect(after.log.read({ after: cursors[2] }).gap).toBe("future");
});
