import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { TOKEN } from "../fixtures/bridge.ts";
import { openTestBridge } from "../fixtures/test-bridge.ts";
import { isLive, openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

it("says that an address brought another server's token, and asks for the right one", async () => {
  const { url } = await openTestBridge();
  const { page } = await openPanel(await openTabs(browser), url, "#token=that-of-another-server");
  const dialog = page.getByRole("dialog", { name: "Sign in" });
  await dialog.getByText("The token in the address is not this server's.").waitFor();
  expect(page.url()).toBe(`${url}/#/jobs`);
  await dialog.getByLabel("Token").fill(TOKEN);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.waitFor({ state: "detached" });
  await isLive(page);
});
