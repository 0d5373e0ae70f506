/** What division leaves of a whole number, such as `57 / 100 * 100`, differs from it only beyond these digits. */
const DIGITS = 12;

/** The percents that are done, as people are told of them everywhere: 100 only when all is. */
export function wholePercent(percent: number): number {
  return Math.floor(Number(percent.toPrecision(DIGITS)));
}
