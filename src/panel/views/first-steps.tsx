import { useMemo } from "preact/hooks";
import { firstCommands } from "../text/first-commands.ts";
import { Command } from "../ui/copy.tsx";

/** What to do when there is no job yet. */
export function FirstSteps() {
  const commands = useMemo(() => firstCommands(location.origin, Date.now()), []);
  return (
    <div class="first-steps">
      <h2>No jobs yet</h2>
      <p class="muted">This page is live: the first job will be here as soon as it begins.</p>
      <h3>Run any command as a job</h3>
      <Command label="Copy the command" text={commands.exec} />
      <h3>From your program</h3>
      <Command label="Copy the code" text={commands.code} />
      <h3>Over HTTP</h3>
      <p class="muted">Writing needs the token of the bridge, set by ORCHESTRA_TOKEN.</p>
      <Command label="Copy the request" text={commands.post} />
    </div>
  );
}
