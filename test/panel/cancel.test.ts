import type { Browser, Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge, TOKEN } from "../fixtures/bridge.ts";
import { startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { drawn, openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

/** A job in progress and the page that shows it. */
async function start({ isSignedIn }: { isSignedIn: boolean }) {
  const registry = new WorkerJobRegistry();
  const telemetry = await startTelemetry({ env: {}, traces: false, registry, bridge: { port: 0 } });
  onTestFinished(() => telemetry.shutdown());
  telemetry.observe(registry);
  const { id } = registry.create({ workerId: "coder", message: "Dig a tunnel" });
  await telemetry.flush();
  const url = telemetry.url as string;
  const hash = isSignedIn ? `#token=${telemetry.token}` : undefined;
  const tabs = await openTabs(browser);
  const { page, go } = await openPanel(tabs, url, hash);
  await page.getByRole("link", { name: "Dig a tunnel" }).click();
  return { registry, telemetry, id, tabs, page, go };
}

/** Asks for the end of the job that is shown, up to the question. */
async function ask(page: Page) {
  await page.getByRole("article").getByRole("button", { name: "Cancel", exact: true }).click();
  const question = page.getByRole("dialog", { name: "Cancel this job?" });
  await question.waitFor();
  return question;
}

const confirm = (question: ReturnType<Page["getByRole"]>) =>
  question.getByRole("button", { name: "Cancel the job" }).click();

describe("canceling a job", () => {
  it("asks first, then for the token, and then tells that it was canceled", async () => {
    const { registry, telemetry, id, page } = await start({ isSignedIn: false });
    const asking = await ask(page);
    await asking.getByLabel("Reason").fill("The mountain is gone");
    await confirm(asking);
    const signIn = page.getByRole("dialog", { name: "Sign in" });
    await signIn.getByText("Canceling a job needs the token").waitFor();
    await signIn.getByLabel("Token").fill("wrong");
    await signIn.getByRole("button", { name: "Sign in" }).click();
    await signIn.getByText("That is not this server's token.").waitFor();
    expect(registry.get(id)?.status).toBe("running");
    await signIn.getByLabel("Token").fill(telemetry.token as string);
    await signIn.getByRole("button", { name: "Sign in" }).click();
    // What was confirmed is not asked again.
    const outcome = page.getByRole("dialog", { name: "Job canceled" });
    await outcome.getByRole("status").getByText("The job was canceled.").waitFor();
    expect(registry.get(id)).toMatchObject({ status: "canceled" });
    await page.keyboard.press("Enter");
    await outcome.waitFor({ state: "detached" });
    // The button that had the focus before is gone.
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("view-title");
    await page.getByText("The mountain is gone").first().waitFor();
    expect(await page.getByRole("button", { name: "Cancel", exact: true }).count()).toBe(0);
  });

  it("keeps the reason of who does not sign in now", async () => {
    const { registry, id, page } = await start({ isSignedIn: false });
    const question = await ask(page);
    await question.getByLabel("Reason").fill("The mountain is gone");
    await confirm(question);
    const signIn = page.getByRole("dialog", { name: "Sign in" });
    await signIn.getByRole("button", { name: "Not now" }).click();
    await signIn.waitFor({ state: "detached" });
    expect(await (await ask(page)).getByLabel("Reason").inputValue()).toBe("The mountain is gone");
    expect(registry.get(id)?.status).toBe("running");
  });

  it("leaves the job alone when who signs in turns away meanwhile", async () => {
    const { registry, telemetry, id, page } = await start({ isSignedIn: false });
    const held = Promise.withResolvers<Route>();
    await page.route("**/v1/session", (route) => held.resolve(route));
    await confirm(await ask(page));
    const signIn = page.getByRole("dialog", { name: "Sign in" });
    await signIn.getByLabel("Token").fill(telemetry.token as string);
    await signIn.getByRole("button", { name: "Sign in" }).click();
    const session = await held.promise;
    await signIn.getByRole("button", { name: "Not now" }).click();
    await signIn.waitFor({ state: "detached" });
    const answered = page.waitForResponse("**/v1/session");
    await session.continue();
    expect((await answered).ok()).toBe(true);
    await (await answered).finished();
    await drawn(page);
    expect(await page.getByRole("dialog").count()).toBe(0);
    // It has signed in all the same: what is confirmed now is done.
    const question = await ask(page);
    expect(registry.get(id)?.status).toBe("running");
    await confirm(question);
    await page.getByRole("dialog", { name: "Job canceled" }).waitFor();
  });

  it("does not claim that the job goes on when an answer leaves that open", async () => {
    const { registry, telemetry, id, page } = await start({ isSignedIn: true });
    await page.route("**/cancel", (route) => route.fulfill({ status: 504, body: "Gateway Timeout" }));
    await confirm(await ask(page));
    const open = page.getByRole("dialog", { name: "No clear answer" });
    await open.getByText("The server answered with 504. The job may go on").waitFor();
    registry.cancel(id);
    await telemetry.flush();
    await page.getByRole("dialog", { name: "Job canceled" }).getByText("The job was canceled.").waitFor();
  });

  it("leaves the job alone when it is told to", async () => {
    const { registry, id, page } = await start({ isSignedIn: true });
    expect(page.url()).not.toContain("token");
    const question = await ask(page);
    await question.getByRole("button", { name: "Keep it running" }).click();
    await question.waitFor({ state: "detached" });
    await page.keyboard.press("c");
    await question.waitFor();
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    expect(registry.get(id)?.status).toBe("running");
  });

  it("tells that the job had ended before", async () => {
    const { registry, telemetry, id, page } = await start({ isSignedIn: true });
    const question = await ask(page);
    registry.setResult(id, { responseText: "Through" });
    await telemetry.flush();
    await question.getByText("Succeeded").waitFor();
    await confirm(question);
    const outcome = page.getByRole("dialog", { name: "Job not canceled" });
    await outcome.getByRole("status").getByText("The job had ended before. It succeeded.").waitFor();
    expect(registry.get(id)?.status).toBe("succeeded");
  });

  it("tells that the job of another program cannot be canceled here", async () => {
    const { telemetry, page, go } = await start({ isSignedIn: true });
    telemetry.publish(jobEvent("orchestra.job.started", "elsewhere"));
    await telemetry.flush();
    await go("#/jobs/elsewhere");
    await confirm(await ask(page));
    const outcome = page.getByRole("dialog", { name: "Job not canceled" });
    await outcome.getByText("This server only hears of the job").waitFor();
  });

  it("says in words that the server is away, and can be asked again", async () => {
    const { registry, telemetry, id, tabs } = await start({ isSignedIn: true });
    const proxy = await startCuttingProxy(Number(new URL(telemetry.url as string).port));
    const { page } = await openPanel(tabs, proxy.url, `#token=${telemetry.token}`);
    await page.getByRole("link", { name: "Dig a tunnel" }).click();
    const question = await ask(page);
    await question.getByLabel("Reason").fill("Too late");
    proxy.block(true);
    proxy.cut();
    await confirm(question);
    const unanswered = page.getByRole("dialog", { name: "No answer" });
    await unanswered.getByText("The server does not answer. The job may go on").waitFor();
    expect(registry.get(id)?.status).toBe("running");
    proxy.block(false);
    await unanswered.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("dialog", { name: "Job canceled" }).waitFor();
    expect(registry.get(id)).toMatchObject({ status: "canceled", reason: "Too late" });
  });
});

/** More than the page and the bridge hold. */
const MANY_JOBS = 10_001;

it("does not wait for a job that was let go of meanwhile, and yet tells of its end", async () => {
  const test = await startTestBridge({ cancelJob: async () => {} });
  onTestFinished(() => test.close());
  const publish = async (events: readonly JobEvent[]) => {
    for (const event of events) test.publisher.publish(event);
    await test.publisher.flush();
  };
  await publish([jobEvent("orchestra.job.started", "a")]);
  const { page } = await openPanel(await openTabs(browser), test.url, `#token=${TOKEN}`);
  await page.getByRole("table").getByRole("link").click();
  await confirm(await ask(page));
  await page.getByRole("dialog", { name: "Canceling the job" }).getByText("has not ended yet").waitFor();
  const ids = Array.from({ length: MANY_JOBS }, (_, index) => `other-${index}`);
  for (let from = 0; from < ids.length; from += 1_000) {
    await publish(ids.slice(from, from + 1_000).map((id) => jobEvent("orchestra.job.started", id)));
  }
  const gone = page.getByRole("dialog", { name: "Job gone" });
  await gone.getByText("The server holds this job no longer. How it ended is not known.").waitFor();
  await publish([jobEvent("orchestra.job.canceled", "a")]);
  await page.getByRole("dialog", { name: "Job canceled" }).getByText("The job was canceled.").waitFor();
});
