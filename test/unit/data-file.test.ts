import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openDataFile } from "../../src/data-file.ts";
import { isBusy } from "../../src/store/storage-error.ts";
import { createFileLock } from "../fixtures/file-lock.ts";
import { openTestLog, openTestStore, temporaryFolder } from "../fixtures/sqlite-logs.ts";
import { errorFrom } from "../fixtures/thrown.ts";

describe("the file that events and spans share", () => {
  it("is left as it is when another program has tables named like those of spans", async () => {
    const file = join(temporaryFolder(), "theirs.db");
    const theirs = new DatabaseSync(file);
    theirs.exec("CREATE TABLE span_chunk (id INTEGER PRIMARY KEY, theirs TEXT)");
    theirs.close();
    const before = readFileSync(file);
    const error = await errorFrom(() => openDataFile(file, {}));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file" });
    expect(error.message).toContain("another program's, with tables of its own that are named `span_chunk`");
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(dirname(file))).toEqual(["theirs.db"]);
  });

  it("is not used while an epoch is due that cannot be begun", async () => {
    const former = await openTestStore({ boot: "of a former run of the system" });
    const { log, file } = await openTestLog({ store: former });
    await log.close();
    const lock = createFileLock(file);
    lock.hold();
    const busy = await openDataFile(file, { openTimeoutMs: 1 }).catch((error: unknown) => error);
    expect(isBusy(busy)).toBe(true);
    lock.letGo();
    (await openDataFile(file, {})).close();
  });
});
