/** What the command line says about a torture. */
export interface ScenarioOptions {
  /** Default: what is usual for the scenario. */
  rounds: number | undefined;
  seconds: number | undefined;
  /** Events or spans a second. */
  rate: number | undefined;
  /** How processes end: SIGKILL, SIGTERM, exit or throw. Default: all of them by turns. */
  signal: string | undefined;
  /** How the receiver is down: refuse, 503, hang or 429. Default: all of them by turns. */
  mode: string | undefined;
  /** Whether the stock span processor is run beside ours. */
  stock: boolean;
  seed: number;
  /** A minute at most. */
  quick: boolean;
  /** An empty folder. */
  folder: string;
  /** Tells of progress. */
  say: (text: string) => void;
}

/** What a torture has found. */
export interface Findings {
  /** What was done and measured. */
  figures: Record<string, unknown>;
  /** What must be zero. */
  zeros: Record<string, number>;
  /** Other claims, by what they say, and whether they hold. */
  claims?: Record<string, boolean>;
  /** A few examples of what went wrong. */
  examples?: readonly string[];
}

export type Scenario = (options: ScenarioOptions) => Promise<Findings>;
