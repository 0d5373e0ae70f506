import { useSignal } from "@preact/signals";
import { Icon } from "./icon.tsx";

const SHOWN_MS = 2_000;

interface CopyButtonProps {
  /** A function for what would be much work to make each time that the button is drawn. */
  text: string | (() => string);
  label: string;
}

/** Copies a text. Says so on itself, so that nobody has to look elsewhere. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const outcome = useSignal<"none" | "done" | "failed">("none");
  const copy = async () => {
    try {
      // There is none where the page came without encryption from another machine.
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      outcome.value = "done";
    } catch {
      outcome.value = "failed";
    }
    setTimeout(() => {
      outcome.value = "none";
    }, SHOWN_MS);
  };
  const isDone = outcome.value === "done";
  return (
    <button type="button" class="quiet small" onClick={copy}>
      <Icon name={isDone ? "done" : "copy"} />
      <span class="visually-hidden">{label}</span>
      <span role="status">{isDone ? "Copied" : outcome.value === "failed" ? "Not allowed" : ""}</span>
    </button>
  );
}

/** A command to copy. */
export function Command({ text, label }: { text: string; label: string }) {
  return (
    <div class="command">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys. */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
