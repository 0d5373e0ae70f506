import { once } from "node:events";
import { createServer } from "node:net";
import type { SeededRandom } from "./seeded-random.ts";

/** A port that is free, below those that systems give to outgoing connections: it is needed again and again. */
export async function freePort(random: SeededRandom): Promise<number> {
  for (;;) {
    const port = random.between(20_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
