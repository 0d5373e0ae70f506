import { useSignal } from "@preact/signals";
import type { JobEvent } from "../../event/event.ts";
import { eventText } from "../job/job-events.ts";
import type { JobReader } from "../job/job-reader.ts";
import { amount, clock, dateTime, title } from "../text/format.ts";
import { CopyButton } from "../ui/copy.tsx";

/** Events that are drawn unless more are asked for. */
const STEP = 100;

/** The events of the job as they came, newest first. */
export function JobEvents({ reader }: { reader: JobReader }) {
  const shown = useSignal(STEP);
  const { events, letGo } = reader.events.value;
  const { value: reading } = reader.reading;
  const newest = events.slice(-shown.value).reverse();
  return (
    <section class="card events" aria-labelledby="events-title">
      <h2 id="events-title">
        Events{" "}
        <CopyButton text={() => JSON.stringify(events, undefined, 2)} label="Copy all events as JSON" />
      </h2>
      {reading.state === "failed" && (
        <p class="notice is-warning">
          The events could not be read from the log.
          <button type="button" onClick={() => reader.read()}>
            Try again
          </button>
        </p>
      )}
      {reading.state === "read" && reading.next !== undefined && (
        <p class="notice is-warning">
          The log holds more events between those below.
          <button type="button" onClick={() => reader.readMore()}>
            Read more
          </button>
        </p>
      )}
      <ol reversed>
        {newest.map((event) => (
          <EventRow key={event.id} event={event} />
        ))}
      </ol>
      {events.length > shown.value && (
        <button
          type="button"
          onClick={() => {
            shown.value += 5 * STEP;
          }}
        >
          Show earlier events ({events.length - shown.value})
        </button>
      )}
      {letGo > 0 && <p class="muted">{amount(letGo, "older event")} let go to save memory.</p>}
    </section>
  );
}

function EventRow({ event }: { event: JobEvent }) {
  const isOpen = useSignal(false);
  const { type, timestamp } = event;
  return (
    <li>
      <details
        onToggle={({ currentTarget }) => {
          isOpen.value = currentTarget.open;
        }}
      >
        <summary>
          <time class="number muted" title={dateTime(timestamp)}>
            {clock(timestamp)}
          </time>
          <span class="event-type">{type.replace("orchestra.job.", "")}</span>
          <span class="cut">{title(eventText(event), "")}</span>
        </summary>
        {isOpen.value && (
          <div class="command">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys. */}
            <pre tabIndex={0}>{JSON.stringify(event, undefined, 2)}</pre>
            <CopyButton text={JSON.stringify(event)} label="Copy the event" />
          </div>
        )}
      </details>
    </li>
  );
}
