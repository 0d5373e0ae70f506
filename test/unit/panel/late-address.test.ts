import { expect, it } from "vitest";
import { LateAddress } from "../../../src/panel/late-address.ts";

function start() {
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  const address = new LateAddress({
    write: (text) => written.push(text),
    schedule: (callback) => waiting.push(callback),
  });
  return { address, written, pass: () => waiting.shift()?.(), waiting };
}

it("of many changes the first is written at once, and the last after a pause", () => {
  const { address, written, pass, waiting } = start();
  for (const text of ["#1", "#2", "#3"]) address.set(text);
  expect(written).toEqual(["#1"]);
  pass();
  expect(written).toEqual(["#1", "#3"]);
  pass();
  address.set("#4");
  expect(written).toEqual(["#1", "#3", "#4"]);
  expect(waiting).toHaveLength(1);
});

it("what waits is written when the page goes, and not when another address was given", () => {
  const { address, written, pass, waiting } = start();
  address.set("#1");
  address.set("#2");
  address.flush();
  expect([written, waiting.length]).toEqual([["#1", "#2"], 1]);
  address.set("#3");
  address.drop();
  pass();
  expect(written).toEqual(["#1", "#2"]);
});
