import { isSameBoot } from "../store/boot.ts";
import { type Opening, type Store, SYNCHRONOUS, type Synchronous } from "../store/store.ts";

interface State {
  epoch: string;
  /** The run of the system in which the file was last opened; undefined when none was told. */
  boot?: string;
  /** The least that any process of that run was content with. */
  synchronous?: Synchronous;
}

export function newEpoch(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 12);
}

/**
 * The epoch of a log. After a crash of the system its last commits may be gone, and what is written next gets
 * their sequences: a new epoch begins then, so that readers who were ahead are told. Of several processes
 * that find this, one begins it.
 * @throws what SQLite throws
 */
export function openEpoch(store: Store): string {
  const { opening } = store;
  const select = store.prepare("SELECT name, value FROM event_log");
  const read = () =>
    Object.fromEntries(select.all().map(({ name, value }) => [name, value])) as unknown as State;
  const found = read();
  if (opening === undefined || isSettled(found, opening)) return found.epoch;
  const put = store.prepare("REPLACE INTO event_log (name, value) VALUES (?, ?)");
  return store.transaction(() => {
    const state = settle(read(), opening);
    for (const [name, value] of Object.entries(state)) put.run(name, value);
    return state.epoch;
  });
}

function isSettled(state: State, opening: Opening): boolean {
  return isOfThisBoot(state, opening) && least(state, opening) === state.synchronous;
}

function settle(state: State, opening: Opening): State {
  if (isOfThisBoot(state, opening)) return { epoch: state.epoch, synchronous: least(state, opening) };
  const { boot, hadJournal, synchronous } = opening;
  // The last to close the file removes its journal; and a journal's first bytes are synced, whatever follows.
  const hasLost = state.boot !== undefined && hadJournal && state.synchronous !== "full";
  return { epoch: hasLost ? newEpoch() : state.epoch, boot, synchronous };
}

function isOfThisBoot(state: State, { boot }: Opening): boolean {
  return state.boot !== undefined && isSameBoot(state.boot, boot);
}

function least(state: State, opening: Opening): Synchronous {
  const levels = [state.synchronous, opening.synchronous];
  return SYNCHRONOUS.find((level) => levels.includes(level)) as Synchronous;
}
