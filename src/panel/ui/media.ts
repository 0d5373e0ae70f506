import { type ReadonlySignal, signal } from "@preact/signals";

/** Whether the page is as narrow as a phone's, and whether it has no room for everything. As in the styles. */
export const isNarrow = matching("(max-width: 760px)");
export const isTight = matching("(max-width: 1100px)");

function matching(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", () => {
    matches.value = list.matches;
  });
  return matches;
}
