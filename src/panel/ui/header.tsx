import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { Link } from "../live/live.ts";
import { dialog, live, now, route } from "../page.ts";
import { ALL_JOBS, DEFAULT_SPAN, formatRoute, type Route } from "../route.ts";
import { detailOf, wordOf } from "../text/link-text.ts";
import { Icon, type IconName } from "./icon.tsx";
import { SETTLED_MS } from "./link-notice.tsx";

interface View {
  name: string;
  icon: IconName;
  route: Route;
  /** The views that it stands for. */
  views: readonly Route["view"][];
}

const VIEWS: readonly View[] = [
  {
    name: "Jobs",
    icon: "jobs",
    route: { view: "jobs", filter: ALL_JOBS, grouping: "none" },
    views: ["jobs", "job"],
  },
  {
    name: "Timeline",
    icon: "timeline",
    route: { view: "timeline", span: DEFAULT_SPAN },
    views: ["timeline"],
  },
  { name: "Workers", icon: "workers", route: { view: "workers" }, views: ["workers"] },
  { name: "Health", icon: "health", route: { view: "health" }, views: ["health"] },
];

export function Header() {
  const { view } = route.value;
  return (
    <header class="top">
      <span class="brand" aria-hidden="true">
        <Icon name="timeline" />
        orchestra
      </span>
      <nav aria-label="Views">
        {VIEWS.map(({ name, icon, route: target, views }) => (
          <a key={name} href={formatRoute(target)} aria-current={views.includes(view) ? "page" : undefined}>
            <Icon name={icon} />
            {name}
          </a>
        ))}
      </nav>
      <LinkState />
      <div class="tools">
        <ToolButton name="Settings" icon="settings" kind="settings" />
        <ToolButton name="Help" icon="help" kind="help" />
      </div>
    </header>
  );
}

function ToolButton({ name, icon, kind }: { name: string; icon: IconName; kind: "settings" | "help" }) {
  const open = () => {
    dialog.value = { kind };
  };
  return (
    <button type="button" class="quiet" onClick={open} title={name}>
      <Icon name={icon} />
      <span class="visually-hidden">{name}</span>
    </button>
  );
}

/** Whether what is shown is live. Speaks only when that has changed for more than a moment. */
function LinkState() {
  const spoken = useSignal("");
  const words = useComputed(() => spokenOf(live.link.value));
  useSignalEffect(() => {
    const next = words.value;
    const timer = setTimeout(() => {
      spoken.value = next;
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  });
  const link = live.link.value;
  return (
    <a class={`link-state is-${link.state}`} href="#/health" title={detailOf(link)}>
      <span class="dot" aria-hidden="true" />
      <span>
        <span class="visually-hidden">Connection: </span>
        {wordOf(link)}
        {link.state === "waiting" && <Countdown until={link.retryAt} />}
      </span>
      <span class="visually-hidden" role="status">
        {spoken.value}
      </span>
    </a>
  );
}

function spokenOf(link: Link): string {
  const isTrouble = link.state === "waiting" || link.state === "closed";
  return isTrouble ? `${wordOf(link)}. ${detailOf(link)}` : wordOf(link);
}

function Countdown({ until }: { until: number }) {
  const seconds = Math.ceil((until - now.value) / 1_000);
  return <span class="number"> {seconds > 0 ? `${seconds} s` : "now"}</span>;
}
