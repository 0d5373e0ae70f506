import { type Minute, totalsOf } from "../jobs/hour-tally.ts";
import { amount, clock } from "../text/format.ts";

const WIDTH = 600;
const HEIGHT = 96;
const GAP = 2;
/** From the bottom up. */
const ENDS = ["succeeded", "canceled", "failed"] as const;

/** Jobs that ended, a bar for each minute. */
export function HourChart({ minutes }: { minutes: readonly Minute[] }) {
  const most = Math.max(4, ...minutes.map((minute) => totalsOf([minute]).ended));
  const step = WIDTH / minutes.length;
  const { ended, failed } = totalsOf(minutes);
  return (
    <figure class="hour-chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img">
        <title>{`${amount(ended, "job")} ended in the last hour, ${failed} of them failed`}</title>
        <line x1="0" y1={HEIGHT} x2={WIDTH} y2={HEIGHT} />
        {minutes.map((minute, index) => (
          <MinuteBar key={minute.at} minute={minute} x={index * step} width={step - GAP} most={most} />
        ))}
      </svg>
      <figcaption class="muted">
        <span>{clock(minutes[0]?.at ?? 0).slice(0, 5)}</span>
        <span class="legend">
          {ENDS.map((end) => (
            <span key={end} class={`key is-${end}`}>
              {end}
            </span>
          ))}
        </span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

interface MinuteBarProps {
  minute: Minute;
  x: number;
  width: number;
  /** What reaches the top. */
  most: number;
}

function MinuteBar({ minute, x, width, most }: MinuteBarProps) {
  let top = HEIGHT;
  return (
    <g>
      {ENDS.map((end) => {
        const height = (minute[end] / most) * (HEIGHT - 4);
        top -= height;
        return height === 0 ? null : (
          <rect key={end} class={`is-${end}`} x={x} y={top} width={width} height={height} />
        );
      })}
    </g>
  );
}
