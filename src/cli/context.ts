/** A stream of text that may be a terminal: `process.stdout` and `process.stderr` are. */
export interface Terminal extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined;
  /** Width in characters; it follows the window. */
  readonly columns?: number | undefined;
}

/** The signals that ask a process to end. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Everything a command knows of the process it runs in. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory that commands are run in. */
  readonly cwd: string;
  /** What a command that is run gets as its standard input. */
  readonly stdin: "inherit" | "ignore";
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /**
   * True when standard input is a terminal. A command can read from it only in our own process group, where
   * Ctrl-C reaches it, too.
   */
  readonly isInteractive: boolean;
  /** Calls `handler` for every signal that would end the process, until the returned function is called. */
  onSignal(handler: (signal: StopSignal) => void): () => void;
  /** Milliseconds since the epoch. */
  now(): number;
}
