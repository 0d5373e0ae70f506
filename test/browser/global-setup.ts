import type { TestProject } from "vitest/node";
import { findChromium } from "../../scripts/find-chromium.ts";
import { requireCommand } from "../../scripts/machine.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The file of the Chromium that the tests start. */
    chromium: string;
  }
}

/** Runs once before the tests of the project, as it may have to install what they start. */
export function setup(project: TestProject): void {
  for (const command of ["curl", "python3"]) requireCommand(command);
  project.provide("chromium", findChromium());
}
