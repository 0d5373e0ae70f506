import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encoded,
  templateFault,
  templateOf,
  traceIdOf,
  traceLink,
} from "../../../src/panel/text/trace-link.ts";
import { codeUnit } from "./panel-jobs.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const JOB = { jobId: "a/b", traceparent: `00-${TRACE}-b7ad6b7169203331-01` };

describe("the link to a trace", () => {
  it.each([
    ["http://localhost:16686/trace/{traceId}", `http://localhost:16686/trace/${TRACE}`],
    [
      "https://g.example/explore?q={traceId}&s={spanId}&j={jobId}",
      `https://g.example/explore?q=${TRACE}&s=b7ad6b7169203331&j=a%2Fb`,
    ],
    ["", undefined],
    ["http://localhost:16686/", undefined],
    ["javascript:alert('{traceId}')", undefined],
    ["data:text/html,{traceId}", undefined],
    ["{traceId}", undefined],
    ["//other.example/{traceId}", undefined],
  ])("of the template %s is %s", (template, link) => {
    expect(traceLink(template, JOB)).toBe(link);
  });

  it.each([undefined, "", "00-0-0-01", `00-${TRACE}-b7ad6b7169203331-01"`])(
    "is not there for a job with the trace %s",
    (traceparent) => {
      expect(traceLink("http://t.example/{traceId}", { jobId: "j", traceparent })).toBeUndefined();
      expect(traceIdOf(traceparent)).toBeUndefined();
    },
  );

  it("leads to where the template leads, whatever the job is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit }), (jobId) => {
        const link = traceLink("https://t.example/{traceId}/{jobId}", { ...JOB, jobId }) as string;
        expect(new URL(link).origin).toBe("https://t.example");
        expect(link).not.toContain("?");
      }),
    );
  });
});

describe("a template", () => {
  it.each([
    ["", undefined],
    ["https://t.example/{traceId}", undefined],
    ["https://t.example/", "It must have {traceId} in it."],
    ["t.example/{traceId}", "It must be an http or https address."],
  ])("%s has the fault %s", (template, fault) => {
    expect(templateFault(template)).toBe(fault);
  });
});

describe("what the bridge tells of traces", () => {
  it.each([
    [{ traceUrl: "http://localhost:16686/trace/{traceId}" }, "http://localhost:16686/trace/{traceId}"],
    [{ traceUrl: "javascript:alert('{traceId}')" }, ""],
    [{ traceUrl: "JavaScript:alert('{traceId}')" }, ""],
    [{ traceUrl: " \tjava\nscript:alert('{traceId}')" }, ""],
    [{ traceUrl: "data:text/html,{traceId}" }, ""],
    [{ traceUrl: "https://t.example/" }, ""],
    [{ traceUrl: 1 }, ""],
    [{ traceUrl: null }, ""],
    [{}, ""],
    [undefined, ""],
    ["http://t.example/{traceId}", ""],
  ])("%j gives the template %j", (status, template) => {
    expect(templateOf(status)).toBe(template);
  });
});

it("escapes what is no whole character", () => {
  expect(encoded("a\ud800/")).toBe("a%EF%BF%BD%2F");
});
