// Follows feeds as it is told: see crowd-child.ts.

import { Crowd } from "./crowd.ts";
import type { CrowdReply, CrowdRequest } from "./crowd-child.ts";

const crowd = new Crowd();
const reply = (message: CrowdReply) => process.send?.(message);

process.on("message", async (request: CrowdRequest) => {
  if (request.kind === "tally") reply({ kind: "tallied", tally: crowd.tally() });
  else {
    await crowd.join(request.count, request.options);
    reply({ kind: "joined" });
  }
});
process.once("disconnect", () => process.exit(0));
reply({ kind: "ready" });
