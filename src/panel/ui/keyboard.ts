import { useLayoutEffect, useRef } from "preact/hooks";
import { dialog } from "../page.ts";
import { settings } from "../settings.ts";

/** By key, as `KeyboardEvent.key` names it. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/** Single letters are commands unless somebody types, a dialog is open, or they are switched off. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  // Before it can be seen: who sees it may press a key.
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!isCommand(event)) return;
      const command = Object.hasOwn(latest.current, event.key) ? latest.current[event.key] : undefined;
      if (command === undefined) return;
      event.preventDefault();
      command();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

function isCommand({ target, ctrlKey, metaKey, altKey, defaultPrevented }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || defaultPrevented || dialog.peek() !== undefined) return false;
  if (!settings.peek().hasShortcuts) return false;
  return !(target instanceof HTMLElement && target.matches("input, select, textarea"));
}
