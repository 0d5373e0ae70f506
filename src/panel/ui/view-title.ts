import { useEffect } from "preact/hooks";

/** Names the page by what it shows. */
export function namePage(text: string): void {
  document.title = `${text} · orchestra`;
}

/** Who cannot see that the view has changed is told by where the focus is, if it went with what was there. */
export function focusTitle(): void {
  if (document.activeElement === document.body) document.getElementById("view-title")?.focus();
}

/** For a title that comes and goes with what is known: names the page by it, and is found by who was at another. */
export function useViewTitle(text: string): void {
  useEffect(() => namePage(text), [text]);
  useEffect(focusTitle, []);
}
