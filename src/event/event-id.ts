/**
 * A UUID v7 (RFC 9562, section 5.7): 48 bits of time in milliseconds, 74 random bits. What is not a
 * time counts as the epoch, so that even an ill-made event gets a valid id.
 */
export function createEventId(timestamp: number = Date.now()): string {
  const random = crypto.randomUUID();
  return `${timePrefix(timestamp)}-7${random.slice(15)}`;
}

let prefixTimestamp = -1;
let prefix = "";

/** Events come many to a millisecond, and formatting the time costs more than the random bits. */
function timePrefix(timestamp: number): string {
  if (timestamp !== prefixTimestamp) {
    const ms = Number.isFinite(timestamp) ? Math.max(0, Math.trunc(timestamp)) : 0;
    const hex = ms.toString(16).padStart(12, "0").slice(-12);
    prefix = `${hex.slice(0, 8)}-${hex.slice(8)}`;
    prefixTimestamp = timestamp;
  }
  return prefix;
}
