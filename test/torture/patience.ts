import { setTimeout as delay } from "node:timers/promises";

/** Looks until `condition` holds or the time is over; tells which. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(50);
  }
  return true;
}
