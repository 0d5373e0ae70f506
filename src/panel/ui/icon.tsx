import type { JSX } from "preact";

const SHAPES = {
  queued: <circle cx="8" cy="8" r="5.5" stroke-dasharray="2.4 2.1" />,
  running: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <circle class="core" cx="8" cy="8" r="2.5" />
    </>
  ),
  succeeded: <path d="m3 8.5 3.5 3.5L13 4.5" />,
  failed: <path d="M8 1.5 14.5 8 8 14.5 1.5 8ZM6 6l4 4m0-4-4 4" />,
  canceled: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="m4.2 11.8 7.6-7.6" />
    </>
  ),
  jobs: <path d="M2 4h12M2 8h12M2 12h8" />,
  timeline: <path d="M2 4h6M5 8h7M8 12h6" />,
  workers: <path d="M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14.5a5.5 5.5 0 0 1 11 0" />,
  health: <path d="M1.5 8H5l2-5 3 10 1.8-5h2.7" />,
  search: <path d="M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10Zm3.7-1.3L14.5 14.5" />,
  settings: <path d="M2 5h6m4 0h2M2 11h2m4 0h6M10 3v4M6 9v4" />,
  help: <path d="M5.5 6a2.5 2.5 0 1 1 3.7 2.2C8.3 8.7 8 9.2 8 10m0 2.6v.4" />,
  copy: <path d="M6 5.5h7.5v8H6zM10 3V2.5H2.5v8H4" />,
  external: <path d="M6 3H3v10h10v-3M9 2.5h4.5V7M13 3 7.5 8.5" />,
  back: <path d="M10 3 5 8l5 5" />,
  open: <path d="m6 3 5 5-5 5" />,
  closed: <path d="m3 6 5 5 5-5" />,
  warning: <path d="M8 2 15 14H1ZM8 6.5V10m0 1.7v.3" />,
  close: <path d="m4 4 8 8m0-8-8 8" />,
  done: <path d="m3 8.5 3.5 3.5L13 4.5" />,
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof SHAPES;

/** A picture beside words: it says nothing that they do not. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {SHAPES[name]}
    </svg>
  );
}
