import { useRef } from "preact/hooks";

/** What `make` makes, anew at most every so many milliseconds, whenever the component is drawn. */
export function useSteady<T>(make: () => T, everyMs: number): T {
  const made = useRef<{ at: number; value: T } | undefined>(undefined);
  const at = performance.now();
  if (made.current === undefined || at - made.current.at >= everyMs) {
    made.current = { at, value: make() };
  }
  return made.current.value;
}
