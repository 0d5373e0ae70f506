import { Writable } from "node:stream";
import type { CliContext, StopSignal, Terminal } from "../../../src/cli/context.ts";

/** Remembers what was written to it. */
export class MemoryTerminal extends Writable implements Terminal {
  text = "";
  readonly isTTY: boolean;
  columns: number;

  constructor({ isTTY = false, columns = 80 }: { isTTY?: boolean; columns?: number } = {}) {
    super();
    this.isTTY = isTTY;
    this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }
}

export interface TestContext extends CliContext {
  readonly stdout: MemoryTerminal;
  readonly stderr: MemoryTerminal;
  /** As if the process got it. */
  signal(signal: StopSignal): void;
}

export function createTestContext(overrides: Partial<CliContext> = {}): TestContext {
  const handlers = new Set<(signal: StopSignal) => void>();
  return {
    env: {},
    cwd: import.meta.dirname,
    stdin: "ignore",
    stdout: new MemoryTerminal(),
    stderr: new MemoryTerminal(),
    isInteractive: false,
    onSignal: (handler) => {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    now: Date.now,
    signal: (signal) => {
      for (const handler of [...handlers]) handler(signal);
    },
    ...overrides,
  } as TestContext;
}
