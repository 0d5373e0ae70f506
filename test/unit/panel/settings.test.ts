import { expect, it } from "vitest";
import { parseSettings } from "../../../src/panel/settings.ts";

const DEFAULTS = { theme: "system", traceTemplate: "", hasShortcuts: true };

it.each([
  [null, DEFAULTS],
  ["{", DEFAULTS],
  ["null", DEFAULTS],
  ['{"theme":"pink","traceTemplate":1,"hasShortcuts":"no","more":1}', DEFAULTS],
  [
    '{"theme":"dark","traceTemplate":"http://t/{traceId}","hasShortcuts":false}',
    { theme: "dark", traceTemplate: "http://t/{traceId}", hasShortcuts: false },
  ],
])("takes of %s only what fits", (stored, expected) => {
  expect(parseSettings(stored)).toEqual(expected);
});
