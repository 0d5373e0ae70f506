const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

export type DeathSignal = (typeof SIGNALS)[number];

/** Marks our listeners, also those of another copy of this package in the process: none is a reason to live. */
const OURS = Symbol.for("orchestra-otel.signal-listener");

/** The part of `process` that is needed here. */
export interface SignalHost {
  readonly pid: number;
  on(signal: DeathSignal, listener: () => void): unknown;
  off(signal: DeathSignal, listener: () => void): unknown;
  listeners(signal: DeathSignal): object[];
  kill(pid: number, signal: DeathSignal): unknown;
}

export interface SignalOptions {
  /** Default: this process. */
  host?: SignalHost | undefined;
  /** Finishes up, as the process is about to end; must not take long, nor reject. */
  leave: (signal: DeathSignal) => Promise<unknown>;
  /** Brings to safety what there is, as somebody else decides what the signal means. */
  flush: () => Promise<unknown>;
}

/**
 * Lets the process finish up before a signal ends it, and then die of that signal as it would have. Where
 * others listen as well, what the signal means is left to them. A second signal does not wait.
 * @returns what stops listening
 */
export function onDeath({ host = process, leave, flush }: SignalOptions): () => void {
  const listeners = new Map<DeathSignal, () => void>();
  const stop = () => {
    for (const [signal, listener] of listeners) host.off(signal, listener);
  };
  let isLeaving = false;
  let isDead = false;
  const die = (signal: DeathSignal) => {
    if (isDead) return;
    isDead = true;
    stop();
    host.kill(host.pid, signal);
  };
  const onSignal = async (signal: DeathSignal) => {
    if (hasOthers(host, signal)) {
      await flush();
    } else if (!isLeaving) {
      isLeaving = true;
      await leave(signal);
      die(signal);
    } else {
      die(signal);
    }
  };
  for (const signal of SIGNALS) {
    const listener = Object.assign(() => void onSignal(signal), { [OURS]: true });
    listeners.set(signal, listener);
    host.on(signal, listener);
  }
  return stop;
}

function hasOthers(host: SignalHost, signal: DeathSignal): boolean {
  return host.listeners(signal).some((listener) => !Object.hasOwn(listener, OURS));
}
