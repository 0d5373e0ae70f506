import { bridgeTemplate } from "../page.ts";
import { type Settings, settings, THEMES, type Theme } from "../settings.ts";
import { templateFault } from "../text/trace-link.ts";
import { Dialog } from "./dialog.tsx";

const THEME_NAMES: Readonly<Record<Theme, string>> = {
  system: "As the system",
  light: "Light",
  dark: "Dark",
};

function change(changes: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...changes };
}

/** Everything takes effect at once, and is kept by this browser. */
export function SettingsDialog() {
  const { theme, traceTemplate, hasShortcuts } = settings.value;
  return (
    <Dialog title="Settings">
      <fieldset class="choices">
        <legend>Appearance</legend>
        {THEMES.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="theme"
              checked={theme === each}
              onChange={() => change({ theme: each })}
            />
            {THEME_NAMES[each]}
          </label>
        ))}
      </fieldset>
      <TraceField template={traceTemplate} />
      <label class="check">
        <input
          type="checkbox"
          checked={hasShortcuts}
          onChange={({ currentTarget }) => change({ hasShortcuts: currentTarget.checked })}
        />
        Single keys are commands, such as / and ?
      </label>
    </Dialog>
  );
}

function TraceField({ template }: { template: string }) {
  const fault = templateFault(template);
  const { value: told } = bridgeTemplate;
  const aim =
    told === ""
      ? "Jobs then link to their spans in Jaeger, Grafana or the like."
      : "Left empty, jobs link to their spans where this server says.";
  return (
    <label class="stacked">
      Address of a trace
      <input
        type="url"
        value={template}
        placeholder={told || "http://localhost:16686/trace/{traceId}"}
        aria-describedby="trace-help"
        aria-invalid={fault !== undefined}
        onInput={({ currentTarget }) => change({ traceTemplate: currentTarget.value.trim() })}
      />
      <span id="trace-help" class={fault === undefined ? "muted" : "fault"}>
        {fault ?? `${aim} {traceId}, {spanId} and {jobId} are filled in.`}
      </span>
    </label>
  );
}
