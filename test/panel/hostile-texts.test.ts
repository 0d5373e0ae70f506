import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { launchChromium, openTabs } from "../browser/chromium-browser.ts";
import { startTestBridge } from "../fixtures/bridge.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { drawn, isLive, openPanel } from "./panel-page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 60_000);

afterAll(() => browser.close());

const HOSTILE = [
  "<script>globalThis.broken = 1; alert(1)</script>",
  '"><img src=x onerror="globalThis.broken = 1; alert(1)">',
  "<svg/onload=alert(1)><a href='javascript:alert(1)'>a</a>",
  "javascript:alert(document.domain)",
  '</title></style></textarea><iframe srcdoc="<script>parent.broken = 1</script>"></iframe>',
  "{{constructor.constructor('alert(1)')()}}",
  "<style>@import 'http://elsewhere.example/a.css'; body { display: none }</style>",
  "<base href='http://elsewhere.example/'><meta http-equiv=refresh content='0;url=//elsewhere.example'>",
  "\u202Egpj.exe\u202C \u2067right to left\u2069 \u0000\u0007\ud800",
];

/** A job whose every text is `text`. */
function hostileJob(text: string, index: number) {
  const jobId = `${text}${index}`;
  const identity = {
    jobId,
    workerId: text,
    sessionId: text,
    requestedBy: text,
    workflow: { runId: text, stepId: text },
    // One parent, so that all are rows of its waterfall.
    parentJobId: index === 0 ? undefined : `${HOSTILE[0]}0`,
  };
  const report = { summary: text, details: text, issues: [text], notes: text };
  const ends = [
    jobEvent("orchestra.job.completed", jobId, { ...identity, responsePreview: text, report }),
    jobEvent("orchestra.job.failed", jobId, { ...identity, error: text, errorType: text, report }),
    jobEvent("orchestra.job.canceled", jobId, { ...identity, reason: text, report }),
  ];
  return [
    jobEvent("orchestra.job.created", jobId, { ...identity, message: text, messageLength: text.length }),
    jobEvent("orchestra.job.progress", jobId, { ...identity, message: text, stage: text, unit: text }),
    ...ends.slice(index % 4, (index % 4) + 1),
  ];
}

it.each([1280, 360])("shows every text of a job as text, at a width of %i", async (width) => {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  const tabs = await openTabs(browser, { viewport: { width, height: 900 } });
  const { page, go } = await openPanel(tabs, test.url);
  await isLive(page);
  for (const [index, text] of HOSTILE.entries()) {
    for (const event of hostileJob(text, index)) test.publisher.publish(event);
  }
  await test.publisher.flush();
  await page.getByText(`${HOSTILE.length} jobs`, { exact: true }).waitFor();
  const visible = HOSTILE.map((text, index) => ({ text, address: addressOf(`${text}${index}`) }));
  for (const { text } of visible.slice(0, 8)) await page.getByRole("link", { name: text }).first().waitFor();
  const addresses = [
    "#/jobs?group=worker",
    "#/jobs?group=session",
    ...HOSTILE.map(
      (text) => `#/jobs?${new URLSearchParams({ q: text.toWellFormed(), worker: text, session: text })}`,
    ),
    ...visible.map(({ address }) => address),
    `#/timeline?${new URLSearchParams({ session: HOSTILE[0] as string })}`,
    "#/timeline?from=1767225600000&to=1767225700000",
    "#/workers",
    "#/health",
  ];
  for (const address of addresses) {
    await go(address);
    await drawn(page);
    expect(await foreignParts(page)).toEqual([]);
    expect(await turningTexts(page)).toEqual([]);
  }
});

it("lets no text from elsewhere turn around what stands beside it", async () => {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  const identity = { workerId: "\u202ereviled", sessionId: "a\u2067b" };
  test.publisher.publish(
    jobEvent("orchestra.job.created", "\u202eid", { ...identity, message: "A \u202etask" }),
  );
  const progress = { message: "\u202dsteps", stage: "\u2066stage", unit: "\u202efiles" };
  test.publisher.publish(jobEvent("orchestra.job.progress", "\u202eid", { ...identity, ...progress }));
  await test.publisher.flush();
  const { page, go } = await openPanel(
    await openTabs(browser, { viewport: { width: 1280, height: 900 } }),
    test.url,
  );
  await isLive(page);
  const row = page.getByRole("row", { name: "A  task" });
  const texts = ["A  task", "reviled", "a b", "40 % · 2 of 5 files · stage · steps"];
  expect((await row.getByRole("cell").allTextContents()).slice(1, 5)).toEqual([
    expect.stringContaining(texts[0] as string),
    ...texts.slice(1),
  ]);
  expect(await page.getByRole("combobox", { name: "Worker" }).locator("option").allTextContents()).toEqual([
    "All workers",
    "reviled",
  ]);
  await go(addressOf("\u202eid"));
  for (const name of ["reviled", "a b"]) {
    const link = page.getByRole("region", { name: "Facts" }).getByRole("link", { name });
    expect(await link.evaluate((element) => getComputedStyle(element).unicodeBidi)).toBe("isolate");
  }
});

it("makes no link of an address template that is a script", async () => {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  test.publisher.publish({
    ...jobEvent("orchestra.job.created", "a"),
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  });
  await test.publisher.flush();
  const { page } = await openPanel(await openTabs(browser), test.url, "#/jobs/a");
  const setTemplate = async (template: string) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByLabel("Address of a trace").fill(template);
    await page.getByRole("button", { name: "Close" }).click();
  };
  await setTemplate("http://127.0.0.1:1/trace/{traceId}?job={jobId}");
  const link = page.getByRole("link", { name: "Open trace" });
  const address = "http://127.0.0.1:1/trace/4bf92f3577b34da6a3ce929d0e0e4736?job=a";
  expect(await link.getAttribute("href")).toBe(address);
  await setTemplate("javascript:alert('{traceId}')");
  expect(await link.count()).toBe(0);
});

function addressOf(jobId: string): string {
  return `#/jobs/${encodeURIComponent(jobId.toWellFormed())}`;
}

/** What only a text that was taken for HTML could have brought into the page. */
function foreignParts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const elements = [
      ...document.querySelectorAll("img, iframe, base, style, object, embed, script, meta, a"),
    ];
    const own = (element: Element) =>
      (element.tagName === "SCRIPT" && /^\.?\/assets\/[^/]+\.js$/.test(element.getAttribute("src") ?? "")) ||
      (element.tagName === "META" &&
        ["viewport", "color-scheme"].includes((element as HTMLMetaElement).name)) ||
      (element.tagName === "META" && element.hasAttribute("charset")) ||
      (element.tagName === "A" && (element.getAttribute("href") ?? "").startsWith("#/"));
    const found = elements.filter((element) => !own(element)).map(({ outerHTML }) => outerHTML);
    return "broken" in globalThis ? ["a script ran", ...found] : found;
  });
}

/** Texts with signs that turn around what follows, in what is read and in what is told when it is pointed at. */
function turningTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const texts: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      // There is nothing beside what has lines of its own.
      if (node.parentElement?.closest("pre") === null) texts.push(node.nodeValue ?? "");
    }
    for (const element of document.querySelectorAll("[title], [aria-label]")) {
      texts.push(element.getAttribute("title") ?? "", element.getAttribute("aria-label") ?? "");
    }
    return texts.filter((text) => /[\u202a-\u202e\u2066-\u2069]/.test(text));
  });
}
