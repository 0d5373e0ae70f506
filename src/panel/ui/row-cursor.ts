import type { Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useShortcuts } from "./keyboard.ts";

/** Rows that Page Up and Page Down move by. */
const PAGE = 10;

export interface RowCursorOptions {
  /** The key of the row that was looked at last; kept by who keeps this. */
  active: Signal<string | undefined>;
  rows: readonly { readonly key: string }[];
  scroller: RefObject<HTMLElement | null>;
  /** Makes the row exist and be seen. */
  show: (index: number) => void;
}

export interface RowCursor {
  /** The one row that takes part in Tab. Its link or button has `data-active`. */
  index: number;
  /** Whether it may have the focus: then it has to exist, seen or not. */
  isChosen: boolean;
  /** Call it with the row that got the focus. */
  enter: (key: string) => void;
  /** For the element that the rows are in. */
  onKeyDown: (event: KeyboardEvent) => void;
}

/** Moves the focus among rows, by arrows while it is in one of them, and by `j` and `k` from anywhere. */
export function useRowCursor({ active, rows, scroller, show }: RowCursorOptions): RowCursor {
  const wantsFocus = useRef(false);
  const found = rows.findIndex(({ key }) => key === active.value);
  useLayoutEffect(() => {
    // Who comes back goes on at the row that was left.
    if (found < 0 || document.activeElement !== document.body) return;
    wantsFocus.current = true;
    show(found);
  }, []);
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    scroller.current?.querySelector<HTMLElement>('[data-active="true"]')?.focus({ preventScroll: true });
  });
  const move = (to: number) => {
    const index = Math.min(rows.length - 1, Math.max(0, to));
    active.value = rows[index]?.key;
    wantsFocus.current = true;
    show(index);
  };
  const step = (by: number) => move(found < 0 ? 0 : found + by);
  useShortcuts({ j: () => step(1), k: () => step(-1) });
  const commands: Readonly<Record<string, () => void>> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    PageDown: () => step(PAGE),
    PageUp: () => step(-PAGE),
    Home: () => move(0),
    End: () => move(rows.length - 1),
  };
  return {
    index: Math.max(0, found),
    isChosen: found >= 0,
    enter: (key) => {
      active.value = key;
    },
    onKeyDown: (event) => {
      const command = commands[event.key];
      if (command === undefined || rows.length === 0) return;
      event.preventDefault();
      command();
    },
  };
}
