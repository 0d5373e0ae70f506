import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { dialog, go, live, route } from "./page.ts";
import { ALL_JOBS, DEFAULT_SPAN } from "./route.ts";
import { Dialogs } from "./ui/dialogs.tsx";
import { GapNotice } from "./ui/gap-notice.tsx";
import { Header } from "./ui/header.tsx";
import { useShortcuts } from "./ui/keyboard.ts";
import { LinkNotice } from "./ui/link-notice.tsx";
import { focusTitle, namePage } from "./ui/view-title.ts";
import { HealthView } from "./views/health-view.tsx";
import { JobView } from "./views/job-view.tsx";
import { JobsView } from "./views/jobs-view.tsx";
import { TimelineView } from "./views/timeline-view.tsx";
import { WorkersView } from "./views/workers-view.tsx";

export function App() {
  useShortcuts({
    "?": () => {
      dialog.value = { kind: "help" };
    },
    1: () => go({ view: "jobs", filter: ALL_JOBS, grouping: "none" }),
    2: () => go({ view: "timeline", span: DEFAULT_SPAN }),
    3: () => go({ view: "workers" }),
    4: () => go({ view: "health" }),
  });
  useSignalEffect(askForToken);
  const { view } = route.value;
  useEffect(() => {
    // A job names the page by itself, as soon as it is known.
    if (view !== "job") namePage(view[0]?.toUpperCase() + view.slice(1));
    focusTitle();
  }, [view]);
  return (
    <>
      <button type="button" class="skip" onClick={skipToMain}>
        Skip to content
      </button>
      <Header />
      <LinkNotice />
      <GapNotice />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <Dialogs />
    </>
  );
}

function View() {
  const shown = route.value;
  switch (shown.view) {
    case "jobs":
      return <JobsView {...shown} />;
    case "job":
      return <JobView key={shown.jobId} jobId={shown.jobId} />;
    case "timeline":
      return <TimelineView {...shown} />;
    case "workers":
      return <WorkersView />;
    case "health":
      return <HealthView />;
  }
}

/** Not by a link: the address names a view, not a place in the page. */
function skipToMain(): void {
  document.getElementById("main")?.focus();
}

function askForToken(): void {
  const link = live.link.value;
  if (link.state !== "closed" || link.error?.status !== 401) return;
  dialog.value = {
    kind: "sign-in",
    why: "This server shows its jobs only to who has its token.",
    onSignedIn: () => live.start(),
  };
}
