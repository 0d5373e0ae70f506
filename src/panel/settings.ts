import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** What the viewer chose, kept by the browser. */
export interface Settings {
  theme: Theme;
  /** Where a trace is shown, such as `http://localhost:16686/trace/{traceId}`; empty for where the bridge says. */
  traceTemplate: string;
  /** Whether single letters are commands. */
  hasShortcuts: boolean;
}

const DEFAULTS: Settings = { theme: "system", traceTemplate: "", hasShortcuts: true };
const PLACE = "orchestra-panel";

/** Whatever is stored there: only what fits is taken. */
export function parseSettings(stored: string | null): Settings {
  const found = parsed(stored);
  return {
    theme: THEMES.find((theme) => theme === found.theme) ?? DEFAULTS.theme,
    traceTemplate: typeof found.traceTemplate === "string" ? found.traceTemplate : DEFAULTS.traceTemplate,
    hasShortcuts: typeof found.hasShortcuts === "boolean" ? found.hasShortcuts : DEFAULTS.hasShortcuts,
  };
}

function parsed(stored: string | null): Record<string, unknown> {
  try {
    return Object(JSON.parse(stored ?? "{}")) as Record<string, unknown>;
  } catch {
    return {};
  }
}

export const settings = signal<Settings>(DEFAULTS);

/** Reads the settings and keeps them from now on, in this page and in others of this server. */
export function keepSettings(): void {
  settings.value = parseSettings(read());
  addEventListener("storage", ({ key, newValue }) => {
    if (key === PLACE) settings.value = parseSettings(newValue);
  });
  effect(() => {
    write(JSON.stringify(settings.value));
    const { theme } = settings.value;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
}

/** A browser may forbid to store anything: the settings then last as long as the page. */
function read(): string | null {
  try {
    return localStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

function write(text: string): void {
  try {
    localStorage.setItem(PLACE, text);
  } catch {
    // See above.
  }
}
