import { useEffect, useMemo } from "preact/hooks";
import { BridgeError, bridge, serverClock } from "../bridge-api.ts";
import type { Fact } from "../health/fact.ts";
import { type FactGroup, lossText } from "../health/status-facts.ts";
import { type KnownStatus, StatusReader } from "../health/status-reader.ts";
import { live, now } from "../page.ts";
import { amount, clock, number } from "../text/format.ts";
import { detailOf, gapReason, UNREACHABLE, wordOf } from "../text/link-text.ts";
import { Icon } from "../ui/icon.tsx";

/** The feed does not tell of these counters: they are asked for, while somebody looks at them. */
const ASK_EVERY_MS = 2_000;
/** From then on counters say nothing of now, though the answer to the next question may still come. */
const OLD_AFTER_MS = 10_000;

/** Whether everything that happens is seen, and what became of what was not. */
export function HealthView() {
  const reader = useStatus();
  const { value: known } = reader.known;
  const { value: fault } = reader.fault;
  return (
    <section class="view padded" aria-labelledby="view-title">
      <h1 id="view-title" tabIndex={-1}>
        Health
      </h1>
      {/* While the page is not connected, that is told above. */}
      {fault !== undefined && live.link.value.state === "open" && (
        <p class="fault">{fault instanceof BridgeError ? fault.message : UNREACHABLE}</p>
      )}
      {known !== undefined && <Verdict known={known} hasFault={fault !== undefined} />}
      <div class="cards">
        <ConnectionCard />
        {known?.groups.map((group) => (
          <GroupCard key={group.title} group={group} />
        ))}
        <GapCard />
      </div>
    </section>
  );
}

function useStatus(): StatusReader {
  const reader = useMemo(
    () =>
      new StatusReader({
        read: bridge.status,
        later: (callback) => {
          const timer = setTimeout(callback, ASK_EVERY_MS);
          return () => clearTimeout(timer);
        },
        isHidden: () => document.hidden,
        now: serverClock.now,
      }),
    [],
  );
  useEffect(() => {
    reader.start();
    return () => reader.stop();
  }, [reader]);
  return reader;
}

/** Whether anything was lost; nothing, where that is not known of now. */
function Verdict({ known: { groups, at }, hasFault }: { known: KnownStatus; hasFault: boolean }) {
  if (hasFault || now.value - at > OLD_AFTER_MS) {
    return <p class="muted">These numbers are of {clock(at)}. There are no newer ones.</p>;
  }
  if (groups.length === 0) return null;
  const loss = lossText(groups);
  return (
    <p class={loss === undefined ? "verdict is-good" : "verdict is-bad"}>
      <Icon name={loss === undefined ? "done" : "warning"} />
      {loss ?? "Nothing was lost."}
    </p>
  );
}

function ConnectionCard() {
  const link = live.link.value;
  return (
    <section class="card facts" aria-labelledby="connection-title">
      <h2 id="connection-title">This page</h2>
      <dl>
        <div>
          <dt>Connection</dt>
          <dd>
            <strong>{wordOf(link)}</strong>
            <br />
            <span class="muted">{detailOf(link)}</span>
          </dd>
        </div>
        <div>
          <dt>Events received</dt>
          <dd class="number">{number(live.received.value)}</dd>
        </div>
        <div>
          <dt>List read</dt>
          <dd class="number">{amount(live.snapshots.value, "time")}</dd>
        </div>
        <div>
          <dt>Jobs held</dt>
          <dd class="number">{number(live.store.newestFirst().length)}</dd>
        </div>
        <div>
          <dt>Jobs let go</dt>
          <dd class="number">{number(live.store.letGo.value)}</dd>
        </div>
      </dl>
    </section>
  );
}

function GroupCard({ group: { title, facts } }: { group: FactGroup }) {
  return (
    <section class="card facts" aria-label={title}>
      <h2>{title}</h2>
      <dl>
        {facts.map((fact) => (
          <FactRow key={fact.name} fact={fact} />
        ))}
      </dl>
    </section>
  );
}

function FactRow({ fact: { name, value, note, isBad = false, isLong = false } }: { fact: Fact }) {
  const classes = [isBad && "is-bad", isLong && "is-long"].filter(Boolean).join(" ");
  return (
    <div class={classes || undefined}>
      <dt>
        {isBad && <Icon name="warning" />}
        {name}
      </dt>
      <dd>
        <span class={isLong ? undefined : "number"}>{value}</span>
        {note !== undefined && <span class="note muted">{note}</span>}
      </dd>
    </div>
  );
}

/** Every time that events were missed. */
function GapCard() {
  const gaps = live.gaps.value;
  return (
    <section class="card facts" aria-labelledby="gaps-title">
      <h2 id="gaps-title">Gaps</h2>
      {gaps.length === 0 ? (
        <p class="muted">This page has seen every event since it was opened.</p>
      ) : (
        <ul class="gaps">
          {gaps.map((gap) => (
            <li key={gap.at}>
              <time class="number">{clock(gap.at)}</time> {gapReason(gap)}
              <br />
              <span class="muted">
                asked for {gap.requested ?? "nothing"}, the log holds {gap.oldest ?? "nothing"} to{" "}
                {gap.latest ?? "nothing"}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
