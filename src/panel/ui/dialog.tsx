import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { dialog } from "../page.ts";
import { Icon } from "./icon.tsx";

export function closeDialog(): void {
  dialog.value = undefined;
}

/** A window above the page. The browser keeps the focus in it, and closes it by Escape. */
export function Dialog({ title, children }: { title: string; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    // Else the browser takes the button that closes it.
    element.current?.querySelector<HTMLElement>("input, .primary")?.focus();
    // Not by `close`: that would be told of later, when another dialog may be open.
    return () => {
      const isThere = before?.isConnected && before !== document.body;
      const place = isThere ? before : document.getElementById("view-title");
      if (place instanceof HTMLElement) place.focus();
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={closeDialog}>
      <header>
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="quiet" onClick={closeDialog}>
          <Icon name="close" />
          <span class="visually-hidden">Close</span>
        </button>
      </header>
      {children}
    </dialog>
  );
}
