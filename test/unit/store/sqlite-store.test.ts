import { describe, expect, it } from "vitest";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

async function openCounting() {
  const store = await openTestStore();
  store.exec("CREATE TABLE t (a TEXT PRIMARY KEY)");
  const insert = store.prepare("INSERT INTO t VALUES (?)");
  const rows = () =>
    store
      .prepare("SELECT a FROM t ORDER BY a")
      .all()
      .map(({ a }) => a);
  return { store, put: (value: string) => insert.run(value), rows };
}

const fail = () => {
  throw new Error("no");
};

describe("a transaction", () => {
  it("keeps all of its work and returns what it returns", async () => {
    const { store, put, rows } = await openCounting();
    const result = store.transaction(() => {
      put("1");
      return put("2");
    });
    expect([result.changes, rows()]).toEqual([1, ["1", "2"]]);
  });

  it("keeps nothing when its work throws", async () => {
    const { store, put, rows } = await openCounting();
    const work = () => {
      put("1");
      fail();
    };
    expect(() => store.transaction(work)).toThrow("no");
    store.transaction(() => put("2"));
    expect(rows()).toEqual(["2"]);
  });

  it("joins the one it is called in", async () => {
    const { store, put, rows } = await openCounting();
    const work = () => {
      store.transaction(() => put("1"));
      fail();
    };
    expect(() => store.transaction(work)).toThrow("no");
    expect(rows()).toEqual([]);
  });

  it("waits for that of another, but not for ever", async () => {
    const { store, put } = await openCounting();
    const other = await openTestStore({ file: store.file, busyTimeoutMs: 1 });
    store.transaction(() => {
      put("1");
      expect(() => other.transaction(() => 1)).toThrow("locked");
    });
    expect(other.transaction(() => 1)).toBe(1);
  });

  it("ends although SQLite has undone it already", async () => {
    const { store, put, rows } = await openCounting();
    const work = () => {
      put("1");
      store.exec("ROLLBACK");
      fail();
    };
    expect(() => store.transaction(work)).toThrow("no");
    expect(rows()).toEqual([]);
  });
});

describe("a commit's participant", () => {
  it("writes in the same transaction, after its work, and is told that it was kept", async () => {
    const { store, put, rows } = await openCounting();
    const told: boolean[] = [];
    store.onCommit(
      () => void put(`after ${rows().join()}`),
      (kept) => told.push(kept),
    );
    store.transaction(() => store.transaction(() => put("1")));
    expect(rows()).toEqual(["1", "after 1"]);
    expect(told).toEqual([true]);
  });

  it("is told when nothing was kept, whoever is to blame", async () => {
    const { store, put, rows } = await openCounting();
    const told: string[] = [];
    store.onCommit(
      () => void put("mine"),
      (kept) => told.push(`first ${kept}`),
    );
    expect(() => store.transaction(fail)).toThrow("no");
    store.onCommit(fail, (kept) => told.push(`second ${kept}`));
    expect(() => store.transaction(() => put("1"))).toThrow("no");
    expect(rows()).toEqual([]);
    expect(told).toEqual(["first false", "first false", "second false"]);
  });

  it("takes part until it has ended that", async () => {
    const { store, put, rows } = await openCounting();
    const end = store.onCommit(() => void put("mine"));
    end();
    end();
    store.transaction(() => put("1"));
    expect(rows()).toEqual(["1"]);
  });

  it("may begin another transaction once it is told", async () => {
    const { store, put, rows } = await openCounting();
    const end = store.onCommit(
      () => {},
      () => {
        end();
        store.transaction(() => put("later"));
      },
    );
    store.transaction(() => put("1"));
    expect(rows()).toEqual(["1", "later"]);
  });
});

describe("a statement", () => {
  it("returns rows, one row, or what it changed", async () => {
    const { store, put } = await openCounting();
    expect(put("1")).toEqual({ changes: 1, lastInsertRowid: 1 });
    const select = store.prepare("SELECT a, 2 AS b, NULL AS c, x'0102' AS d FROM t WHERE a = ?");
    expect(select.get("1")).toEqual({ a: "1", b: 2, c: null, d: new Uint8Array([1, 2]) });
    expect([select.get("2"), select.all("2")]).toEqual([undefined, []]);
  });
});

describe("a closed store", () => {
  it("may be closed again, and takes nothing more", async () => {
    const { store } = await openCounting();
    store.close();
    store.close();
    expect(thrownBy(() => store.exec("SELECT 1")).code).toBe("CLOSED");
    expect(thrownBy(() => store.prepare("SELECT 1")).code).toBe("CLOSED");
    expect(thrownBy(() => store.transaction(() => 1)).code).toBe("CLOSED");
  });
});
