/** The page of the tests: follows a feed as its address says, and keeps what it was told where they look. */
import { type ConnectOptions, connect, connectShared } from "../../src/client/index.ts";

const { shared, snapshots, workerUrl, ...options }: PageOptions = JSON.parse(
  decodeURIComponent(location.search.slice(1)),
);

export interface PageOptions extends Pick<ConnectOptions, "url" | "token" | "from" | "filters"> {
  shared?: boolean;
  snapshots?: boolean;
  workerUrl?: string;
}

const told: string[] = [];
const handlers: Partial<ConnectOptions> = {
  onEvent: ({ type, data }) => told.push(String((data as { message?: string }).message ?? type)),
  onGap: ({ reason }) => told.push(`gap ${reason}`),
  onState: ({ state }) => told.push(`(${state})`),
  onError: (error) => told.push(`error ${error}`),
};
if (snapshots) {
  handlers.onSnapshot = ({ jobs }) => told.push(`jobs ${jobs.map(({ jobId }) => jobId).join(" ")}`);
}
const connection = shared
  ? connectShared({ ...options, ...handlers, workerUrl })
  : connect({ ...options, ...handlers });
Object.assign(globalThis, { told, connection });
