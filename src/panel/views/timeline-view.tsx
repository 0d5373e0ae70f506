import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { serverClock } from "../bridge-api.ts";
import { adjust, live, now } from "../page.ts";
import { DEFAULT_SPAN, type Route, type TimeSpan } from "../route.ts";
import { amount } from "../text/format.ts";
import { lastMinutes, pan, windowOf, zoom } from "../timeline/timeline-scale.ts";
import { ofSession, type TimelineRow, type TimeWindow, timelineRows } from "../timeline/timeline-tree.ts";
import { useShortcuts } from "../ui/keyboard.ts";
import { stretchesOf } from "../ui/stretches.ts";
import { focusTitle } from "../ui/view-title.ts";
import { useVirtualRows } from "../ui/virtual-rows.ts";
import { IdSelect } from "./job-filters.tsx";
import { Axis, TimelineRowView } from "./timeline-rows.tsx";

const ROW_HEIGHT = 28;
const PRESETS: readonly [minutes: number, name: string][] = [
  [5, "5 m"],
  [15, "15 m"],
  [60, "1 h"],
  [1_440, "1 d"],
];
const ZOOM = 1.6;
const STEP = 0.2;

type TimelineProps = Omit<Extract<Route, { view: "timeline" }>, "view">;

/** What ran when, and what it started. */
export function TimelineView({ session, span }: TimelineProps) {
  const time = now.value;
  const all = live.store.newestFirst().map(({ job }) => job.peek());
  const jobs = session === undefined ? all : ofSession(all, session);
  const window = "minutes" in span ? lastMinutes(span.minutes, jobs, time) : span;
  const rows = timelineRows(jobs, window, time);
  const show = (next: TimeSpan) => adjust({ view: "timeline", session, span: next });
  const fit = () => show(windowOf(jobs, serverClock.now()) ?? DEFAULT_SPAN);
  return (
    <section class="view timeline-view" aria-labelledby="view-title">
      <h1 id="view-title" class="visually-hidden" tabIndex={-1}>
        Timeline
      </h1>
      <div class="filters">
        <IdSelect
          label="Session"
          all="All sessions"
          value={session}
          idOf={sessionOf}
          onChange={(next) => adjust({ view: "timeline", session: next, span })}
        />
        <SpanButtons span={span} onSpan={show} onFit={fit} />
        <ZoomButtons window={window} onSpan={show} onFit={fit} />
      </div>
      <Axis window={window} />
      <TimelineRows rows={rows} window={window} time={time} onSpan={show}>
        {rows.length === 0 && <Nothing jobs={jobs} onFit={fit} />}
      </TimelineRows>
      <p class="table-foot">{amount(rows.length, "job")} in this window</p>
    </section>
  );
}

interface TimelineRowsProps {
  rows: readonly TimelineRow[];
  window: TimeWindow;
  time: number;
  onSpan: (span: TimeSpan) => void;
  children: ComponentChildren;
}

function TimelineRows({ rows, window, time, onSpan, children }: TimelineRowsProps) {
  const { scroller, first, last, onScroll } = useVirtualRows(rows.length, ROW_HEIGHT);
  const { kept, onFocus } = useKeptRow(rows);
  usePointer(scroller, window, onSpan);
  return (
    <div class="timeline-scroll" ref={scroller} onScroll={onScroll}>
      <ul aria-label={amount(rows.length, "job")}>
        {stretchesOf(rows, { first, last, kept }).map((stretch) =>
          "row" in stretch ? (
            <TimelineRowView
              key={`job:${stretch.row.job.jobId}`}
              row={stretch.row}
              window={window}
              now={time}
              marks={live.marks.of(stretch.row.job.jobId)}
              onFocus={onFocus}
            />
          ) : (
            <li
              key={stretch.key}
              class="spacer"
              aria-hidden="true"
              style={{ height: `${stretch.rows * ROW_HEIGHT}px` }}
            />
          ),
        )}
      </ul>
      {children}
    </div>
  );
}

/** The row that has the focus: it exists wherever new ones move it to. When its job goes, the title gets it. */
function useKeptRow(rows: readonly TimelineRow[]) {
  const focused = useRef<string | undefined>(undefined);
  const { current: jobId } = focused;
  const found = jobId === undefined ? -1 : rows.findIndex(({ job }) => job.jobId === jobId);
  useLayoutEffect(() => {
    if (jobId === undefined || found >= 0) return;
    focused.current = undefined;
    focusTitle();
  });
  const onFocus = (next: string | undefined) => {
    focused.current = next;
  };
  return { kept: found < 0 ? undefined : found, onFocus };
}

interface ZoomButtonsProps {
  window: TimeWindow;
  onSpan: (span: TimeSpan) => void;
  onFit: () => void;
}

/** What the keys of the same signs do. */
function ZoomButtons({ window, onSpan, onFit }: ZoomButtonsProps) {
  const commands = [
    { sign: "+", name: "Zoom in", key: "+", run: () => onSpan(zoom(window, 1 / ZOOM)) },
    { sign: "−", name: "Zoom out", key: "-", run: () => onSpan(zoom(window, ZOOM)) },
    { sign: "←", name: "Earlier", key: "ArrowLeft", run: () => onSpan(pan(window, -STEP)) },
    { sign: "→", name: "Later", key: "ArrowRight", run: () => onSpan(pan(window, STEP)) },
  ];
  useShortcuts({ ...Object.fromEntries(commands.map(({ key, run }) => [key, run])), 0: onFit });
  return (
    <div class="chips">
      {commands.map(({ sign, name, run }) => (
        <button key={name} type="button" onClick={run}>
          <span aria-hidden="true">{sign}</span>
          <span class="visually-hidden">{name}</span>
        </button>
      ))}
    </div>
  );
}

const sessionOf = ({ sessionId }: JobSnapshot) => sessionId;

interface SpanButtonsProps {
  span: TimeSpan;
  onSpan: (span: TimeSpan) => void;
  onFit: () => void;
}

/** Windows that end now and move on with it, and the one that shows everything. */
function SpanButtons({ span, onSpan, onFit }: SpanButtonsProps) {
  return (
    <fieldset class="chips">
      <legend class="visually-hidden">Window</legend>
      {PRESETS.map(([minutes, name]) => (
        <button
          key={minutes}
          type="button"
          class="chip"
          aria-pressed={"minutes" in span && span.minutes === minutes}
          onClick={() => onSpan({ minutes })}
        >
          <span class="visually-hidden">Last </span>
          {name}
        </button>
      ))}
      <button type="button" class="chip" aria-pressed="false" onClick={onFit}>
        Fit all
      </button>
    </fieldset>
  );
}

function Nothing({ jobs, onFit }: { jobs: readonly JobSnapshot[]; onFit: () => void }) {
  return (
    <p class="nothing">
      No job ran in this window.{" "}
      {jobs.length > 0 && (
        <button type="button" class="link" onClick={onFit}>
          Show all {amount(jobs.length, "job")}
        </button>
      )}
    </p>
  );
}

/** Dragging moves the window; the wheel with Ctrl zooms to where the pointer is. */
function usePointer(
  scroller: { current: HTMLDivElement | null },
  window: TimeWindow,
  show: (span: TimeSpan) => void,
): void {
  const latest = useRef({ window, show });
  latest.current = { window, show };
  useEffect(() => {
    const element = scroller.current as HTMLDivElement;
    const track = () => element.querySelector(".track")?.getBoundingClientRect();
    const onWheel = (event: WheelEvent) => {
      const box = track();
      if (!(event.ctrlKey || event.metaKey) || box === undefined) return;
      event.preventDefault();
      const anchor = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      latest.current.show(zoom(latest.current.window, Math.exp(event.deltaY / 300), anchor));
    };
    const onPointerDown = (event: PointerEvent) => {
      const box = track();
      const isOnTrack = event.target instanceof Element && event.target.closest(".track") !== null;
      if (event.button !== 0 || box === undefined || !isOnTrack) return;
      const start = latest.current.window;
      const onMove = ({ clientX }: PointerEvent) => {
        latest.current.show(pan(start, (event.clientX - clientX) / box.width));
      };
      const onEnd = () => element.removeEventListener("pointermove", onMove);
      element.setPointerCapture(event.pointerId);
      element.addEventListener("pointermove", onMove);
      element.addEventListener("pointerup", onEnd, { once: true });
      element.addEventListener("pointercancel", onEnd, { once: true });
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    element.addEventListener("pointerdown", onPointerDown);
    return () => {
      element.removeEventListener("wheel", onWheel);
      element.removeEventListener("pointerdown", onPointerDown);
    };
  }, []);
}
