import { Peer } from "./peer.ts"; import { startOurStack } from "./job-event/our-stack.ts"; import { startUsualStack } from "./job-event/usual-stack.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
const which = process.argv[2]; const N = Number(process.argv[3] ?? 20000);
const peer = await Peer.start(); const o = { tracesUrl: peer.tracesUrl(which!), logFile: "/tmp/prof-" + which };
const stack = which === "usual" ? await startUsualStack(o) : await startOurStack(o);
await peer.subscribe(stack.name, stack.feedUrl);
const tt = () => { const u = process.threadCpuUsage(); return (u.user + u.system) * 1000; };
for (let r = 0; r < 6; r++) {
  const b = tt();
  for (let j = 0; j < N / 6; j += 16) {
    const ids = Array.from({ length: 16 }, () => stack.create()); await nextTurn();
    for (let s = 1; s <= 5; s++) { for (const id of ids) stack.updateProgress(id, s); await nextTurn(); }
    for (const id of ids) stack.complete(id); await nextTurn();
  }
  await stack.flush();
  console.log(which, ((tt() - b) / (N / 6 * 7)).toFixed(0), "ns/event");
}
await stack.stop(); await peer.stop();
