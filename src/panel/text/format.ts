const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** How long something took: `412 ms`, `3.2 s`, `1 min 4 s`, `2 h 5 min`; as in log lines, which a test holds. */
export function duration(ms: number): string {
  // Seconds begin where milliseconds would be rounded up to 1,000, and minutes where seconds would be to 60.
  if (ms < SECOND - 0.5) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(1)} s`;
  return inUnits(Math.round(ms / SECOND));
}

/** How long something has been going on: whole seconds that are over, as it is told anew each second. */
export function elapsed(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / SECOND);
  return seconds < 60 ? `${seconds} s` : inUnits(seconds);
}

/** How long ago something was. */
export function ago(ms: number): string {
  return ms < 5 * SECOND ? "just now" : `${elapsed(ms)} ago`;
}

function inUnits(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const numbers = new Intl.NumberFormat("en");

/** `12,345`. */
export function number(value: number): string {
  return numbers.format(value);
}

/** `1 job`, `12,345 jobs`. */
export function amount(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** `1.2 MB`. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let rest = value;
  let unit = 0;
  for (; rest >= 1_000 && unit < units.length - 1; unit++) rest /= 1_000;
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`;
}

/** Of a share from 0 to 1: `12.5 %`, and `100 %` only of all. */
export function percent(share: number): string {
  const perMille = Math.round(share * 1_000);
  return `${(share < 1 ? Math.min(perMille, 999) : perMille) / 10} %`;
}

const clocks = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const dates = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** `14:03:21`, in the viewer's time zone. */
export function clock(time: number): string {
  return isTime(time) ? clocks.format(time) : "—";
}

/** `22 Nov 2026, 14:03:21.250`. */
export function dateTime(time: number): string {
  if (!isTime(time)) return "—";
  return `${dates.format(time)}, ${clocks.format(time)}.${String(Math.floor(time) % SECOND).padStart(3, "0")}`;
}

/** The clock today, else the date. */
export function when(time: number, now: number): string {
  return isTime(time) && dates.format(time) !== dates.format(now) ? dates.format(time) : clock(time);
}

const MAX_TIME = 8.64e15;

function isTime(time: number): boolean {
  return time >= 0 && time <= MAX_TIME;
}

/** Something that can be seen. */
const VISIBLE = /[^\s\p{Cc}\p{DI}]/u;
/** What breaks a line, or turns the text around it the other way. */
const UNRULY = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The first line that says something; a stand-in when none does. What would disturb its neighbours is left out. */
export function title(text: string | undefined, none = "Untitled job"): string {
  return (
    text
      ?.split("\n")
      .find((line) => VISIBLE.test(line))
      ?.replaceAll(UNRULY, " ")
      .trim() ?? none
  );
}
