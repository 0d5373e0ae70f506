import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Rows that are there although they cannot be seen yet, at either side. */
const SPARE = 8;

export interface VirtualRows {
  /** What scrolls. */
  scroller: RefObject<HTMLDivElement | null>;
  /** The rows to render: from `first` up to, but not with, `last`. */
  first: number;
  last: number;
  /** For the element that scrolls. */
  onScroll: () => void;
  /** Scrolls as far as is needed to see the row. */
  show: (index: number) => void;
}

/** Which of many rows of the same height have to exist. */
export function useVirtualRows(count: number, rowHeight: number): VirtualRows {
  const scroller = useRef<HTMLDivElement>(null);
  const seen = useSignal({ first: 0, last: 40 });
  const onScroll = () => {
    const { scrollTop = 0, clientHeight = 0 } = scroller.current ?? {};
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - SPARE);
    const last = Math.ceil((scrollTop + clientHeight) / rowHeight) + SPARE;
    const before = seen.peek();
    if (first !== before.first || last !== before.last) seen.value = { first, last };
  };
  const latest = useRef(onScroll);
  latest.current = onScroll;
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => latest.current());
    observer.observe(scroller.current as HTMLDivElement);
    return () => observer.disconnect();
  }, []);
  const { first, last } = seen.value;
  return {
    scroller,
    first: Math.min(first, Math.max(0, count - 1)),
    last: Math.min(last, count),
    onScroll,
    show: (index) => {
      const { current } = scroller;
      if (current === null) return;
      // The head of the table covers a row's height at the top.
      const [top, bottom] = [index * rowHeight, (index + 2) * rowHeight];
      if (top < current.scrollTop) current.scrollTop = top;
      else if (bottom > current.scrollTop + current.clientHeight) {
        current.scrollTop = bottom - current.clientHeight;
      }
      onScroll();
    },
  };
}
