import { stripVTControlCharacters, styleText } from "node:util";
import type { CliContext, Terminal } from "./context.ts";

type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Resolves once the text has left; rejects when nobody reads it any more. */
export function write(out: Terminal, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    out.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Colours for a terminal, plain text for all else and for who asks so: https://no-color.org */
export function painter(out: Terminal, env: CliContext["env"]): Paint {
  if (out.isTTY !== true || env.NO_COLOR) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}

/**
 * What may be shown on a terminal of a text that somebody else wrote: escape sequences would let it
 * rewrite the screen or type for the user, bidirectional overrides let it read as something else.
 */
export function plainText(text: string): string {
  return stripVTControlCharacters(text.toWellFormed())
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
/** East Asian wide and full-width blocks (UAX #11), and what is drawn as an emoji. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|.\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u;

/** Cuts a plain text to at most `columns` on the screen; what was cut shows as `…`. */
export function fitText(text: string, columns: number): string {
  let width = 0;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns) return columns > 0 ? `${cutTo(kept, columns - 1)}…` : "";
    kept += segment;
  }
  return kept;
}

/** Columns that a plain text takes on the screen. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOf(segment);
  return width;
}

function cutTo(text: string, columns: number): string {
  const segments = [...graphemes.segment(text)].map(({ segment }) => segment);
  while (textWidth(segments.join("")) > columns) segments.pop();
  return segments.join("");
}

function widthOf(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}
