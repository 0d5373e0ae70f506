import { useLayoutEffect, useRef } from "preact/hooks";
import type { JobList, ListRow } from "../jobs/job-list.ts";
import { activeRow, live } from "../page.ts";
import { isNarrow } from "../ui/media.ts";
import { useRowCursor } from "../ui/row-cursor.ts";
import { stretchesOf } from "../ui/stretches.ts";
import { useVirtualRows } from "../ui/virtual-rows.ts";
import { GroupTableRow, JobTableRow } from "./job-rows.tsx";

/** As in the style sheet, in pixels. */
const ROW_HEIGHT = 40;
const NARROW_ROW_HEIGHT = 64;
const COLUMNS = [
  ["status", "Status"],
  ["job", "Job"],
  ["worker", "Worker"],
  ["session", "Session"],
  ["outcome", "Progress and result"],
  ["elapsed", "Time"],
  ["started", "Started"],
] as const;

export interface JobTableProps {
  list: JobList;
  /** Opens or closes the group of that key. */
  onToggle: (key: string) => void;
}

/** A table of any length, of which only what can be seen exists. One row at a time takes part in Tab. */
export function JobTable({ list: { rows, total }, onToggle }: JobTableProps) {
  const rowHeight = isNarrow.value ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const { scroller, first, last, onScroll, show } = useVirtualRows(rows.length, rowHeight);
  const cursor = useRowCursor({ active: activeRow, rows, scroller, show });
  useAnchor(rows, rowHeight, scroller);
  const kept = cursor.isChosen ? cursor.index : undefined;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys move among the links and buttons in it.
    <div class="table-scroll" ref={scroller} onScroll={onScroll} onKeyDown={cursor.onKeyDown}>
      <table class="jobs" aria-rowcount={rows.length + 1} aria-label="Jobs, newest first">
        <Head />
        <tbody>
          {stretchesOf(rows, { first, last, kept }).map((stretch) =>
            "row" in stretch ? (
              <TableRow
                key={stretch.row.key}
                row={stretch.row}
                index={stretch.index}
                isActive={stretch.index === cursor.index}
                onFocus={() => cursor.enter(stretch.row.key)}
                onToggle={onToggle}
              />
            ) : (
              <Spacer key={stretch.key} height={stretch.rows * rowHeight} />
            ),
          )}
        </tbody>
      </table>
      {total === 0 && <p class="nothing">{live.isLoaded.value ? "No job fits." : ""}</p>}
    </div>
  );
}

/** The columns take their widths from the style sheet, whichever of them there is room for. */
function Head() {
  return (
    <>
      <colgroup>
        {COLUMNS.map(([column]) => (
          <col key={column} class={`col-${column}`} />
        ))}
      </colgroup>
      <thead>
        <tr aria-rowindex={1}>
          {COLUMNS.map(([column, name]) => (
            <th key={column} scope="col" class={`col-${column}`}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
    </>
  );
}

interface TableRowProps {
  row: ListRow;
  index: number;
  isActive: boolean;
  onFocus: () => void;
  onToggle: (key: string) => void;
}

function TableRow({ row, index, isActive, onFocus, onToggle }: TableRowProps) {
  const place = { rowIndex: index + 2, isActive, onFocus };
  return row.kind === "group" ? (
    <GroupTableRow row={row} {...place} onToggle={() => onToggle(row.key)} />
  ) : (
    <JobTableRow entry={row.entry} {...place} />
  );
}

/** Stands for the rows that do not exist. */
function Spacer({ height }: { height: number }) {
  return height <= 0 ? null : (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row of a table cannot have the focus.
    <tr class="spacer" aria-hidden="true" style={{ height: `${height}px` }}>
      <td />
    </tr>
  );
}

/** New jobs come in at the top: what somebody is reading further down stays where it is. */
function useAnchor(
  rows: readonly ListRow[],
  rowHeight: number,
  scroller: { current: HTMLDivElement | null },
): void {
  const before = useRef(rows);
  useLayoutEffect(() => {
    const { current } = scroller;
    const old = before.current;
    before.current = rows;
    if (current === null || old === rows || current.scrollTop < rowHeight) return;
    const index = Math.floor(current.scrollTop / rowHeight);
    const key = old[index]?.key;
    const moved = key === undefined ? -1 : rows.findIndex((row) => row.key === key);
    if (moved >= 0 && moved !== index) current.scrollTop += (moved - index) * rowHeight;
  }, [rows]);
}
