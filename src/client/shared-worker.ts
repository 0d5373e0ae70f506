/** The script of the `SharedWorker` that `connectShared` starts. */
import { SharedFeeds } from "./shared-feeds.ts";

const feeds = new SharedFeeds();
addEventListener("connect", (event) => {
  for (const port of (event as MessageEvent).ports) feeds.accept(port);
});
