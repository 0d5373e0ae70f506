import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { openPanel } from "./panel-page.ts";

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
  const { page, go } = await openPanel(await openTabs(browser), url, hash);
  await page.getByRole("link", { name: "Dig a tunnel" }).click();
  return { registry, telemetry, id, page, go };
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
    await confirm(await ask(page));
    const signIn = page.getByRole("dialog", { name: "Sign in" });
    await signIn.getByText("Canceling a job needs the token").waitFor();
    await signIn.getByLabel("Token").fill("wrong");
    await signIn.getByRole("button", { name: "Sign in" }).click();
    await signIn.getByText("That is not this server's token.").waitFor();
    expect(registry.get(id)?.status).toBe("running");
    await signIn.getByLabel("Token").fill(telemetry.token as string);
    await signIn.getByRole("button", { name: "Sign in" }).click();
    const question = page.getByRole("dialog", { name: "Cancel this job?" });
    await question.getByLabel("Reason").fill("The mountain is gone");
    await confirm(question);
    await question.getByRole("status").getByText("The job was canceled.").waitFor();
    expect(registry.get(id)).toMatchObject({ status: "canceled" });
    await question.getByRole("button", { name: "Close" }).last().click();
    await page.getByText("The mountain is gone").first().waitFor();
    expect(await page.getByRole("button", { name: "Cancel", exact: true }).count()).toBe(0);
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
    await question.getByRole("status").getByText("The job had ended before.").waitFor();
    expect(registry.get(id)?.status).toBe("succeeded");
  });

  it("tells that the job of another program cannot be canceled here", async () => {
    const { telemetry, page, go } = await start({ isSignedIn: true });
    telemetry.publish(jobEvent("orchestra.job.started", "elsewhere"));
    await telemetry.flush();
    await go("#/jobs/elsewhere");
    const question = await ask(page);
    await confirm(question);
    await question.getByText("This server only hears of the job").waitFor();
  });
});
