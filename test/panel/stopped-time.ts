import type { BrowserContext } from "playwright-core";

/** Lets it be `time`, in milliseconds since the epoch, in pages that are opened from now on. */
export async function stopTime(tabs: BrowserContext, time: number): Promise<void> {
  await tabs.clock.setFixedTime(time);
  // The panel goes by the server's clock, which cannot be stopped: here no server tells its date.
  await tabs.addInitScript(() => {
    const { get } = Headers.prototype;
    Headers.prototype.get = function (name) {
      return name.toLowerCase() === "date" ? null : get.call(this, name);
    };
  });
}
