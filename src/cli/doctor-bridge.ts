import type { TelemetryStatus } from "../telemetry-status.ts";
import { ageText, countText } from "./amount.ts";
import type { CliContext } from "./context.ts";
import { type BridgeTarget, defaultBridge, findBridge } from "./discovery.ts";
import type { Finding } from "./doctor-finding.ts";
import { fetchFailure, refusalOf } from "./http-failure.ts";

const TIMEOUT_MS = 3_000;

type Target = Pick<BridgeTarget, "url" | "token"> & { isExpected: boolean };

/** Whether a bridge runs, and what it tells of its process. */
export async function examineBridge({ env, now }: Pick<CliContext, "env" | "now">): Promise<Finding[]> {
  const found = findTarget(env);
  if (found instanceof Error) return [finding("broken", found.message)];
  const { url, isExpected } = found;
  const health = await healthOf(url);
  const facts = { url, health };
  if (health !== "ok") {
    if (isExpected) return [finding("broken", `${url} should be one, but: ${health}`, facts)];
    return [finding("note", `None runs at ${url} (${health})`, facts)];
  }
  return [finding("ok", `One runs at ${url}`, facts), ...(await statusFindings(found, now()))];
}

function finding(status: Finding["status"], text: string, facts?: Finding["facts"]): Finding {
  return { part: "bridge", status, text, facts };
}

/** That of the default port need not be there. */
function findTarget(env: CliContext["env"]): Target | Error {
  try {
    const found = findBridge({}, env);
    return found ? { ...found, isExpected: true } : { ...defaultBridge(env), isExpected: false };
  } catch (error) {
    return error as Error;
  }
}

async function healthOf(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer: unknown = await response.json().catch(() => undefined);
    return (answer as { status?: unknown })?.status === "ok" ? "ok" : "something else answers there";
  } catch (error) {
    const reason = fetchFailure(error);
    return reason === "ECONNREFUSED" ? "nothing listens there" : reason;
  }
}

async function statusFindings({ url, token }: Target, now: number): Promise<Finding[]> {
  const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` });
  try {
    const response = await fetch(`${url}/v1/status`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) {
      const { message } = await refusalOf(response);
      return [finding("note", `It does not tell how it is: ${message}`)];
    }
    // One of another version may tell less.
    const { ledger, dataFile, spans } = (await response.json()) as Partial<TelemetryStatus>;
    return [
      ...(ledger === undefined ? [] : [ledgerFinding("event", ledger.events)]),
      ...(ledger?.spans === undefined ? [] : [ledgerFinding("span", ledger.spans)]),
      ...(dataFile?.degraded ? [degradedFinding(dataFile)] : []),
      ...(spans?.lastError === undefined ? [] : [exportFinding(spans, now)]),
    ];
  } catch (error) {
    return [finding("broken", `It does not tell how it is: ${fetchFailure(error)}`)];
  }
}

type Ledger = TelemetryStatus["ledger"]["events"] | NonNullable<TelemetryStatus["ledger"]["spans"]>;

function ledgerFinding(noun: string, ledger: Ledger): Finding {
  const { made, delivered, queued, dropped, balance } = ledger;
  const losses = Object.entries(dropped).filter(([, count]) => count > 0);
  const lost = losses.map(([reason, count]) => `${count} ${reason.replaceAll("_", " ")}`).join(", ");
  const counts = `${countText(made, noun)} made, ${delivered} delivered, ${queued} waiting`;
  const uncounted = balance === 0 ? "" : `, ${balance} unaccounted for`;
  const isWell = losses.length === 0 && balance === 0;
  const text = `${counts}, ${lost === "" ? "none lost" : `lost: ${lost}`}${uncounted}`;
  return finding(isWell ? "ok" : "broken", text, {
    [`${noun}s`]: { made, delivered, queued, dropped, balance },
  });
}

function degradedFinding({ lastError, waiting }: NonNullable<TelemetryStatus["dataFile"]>): Finding {
  const text = `Its data file cannot be written (${lastError}): ${countText(waiting, "event")} only in memory`;
  return finding("broken", text, { degraded: true, waiting, lastError });
}

/** An error that was followed by success is history. */
function exportFinding(spans: NonNullable<TelemetryStatus["spans"]>, now: number): Finding {
  const { lastError, nextAttemptAt } = spans;
  const facts = { lastError, nextAttemptAt };
  if (nextAttemptAt === undefined) return finding("note", `Its last trouble with spans: ${lastError}`, facts);
  const next = `it tries again in ${ageText(nextAttemptAt - now)}`;
  return finding("broken", `It cannot send spans: ${lastError}; ${next}`, facts);
}
