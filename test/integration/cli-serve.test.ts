import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readBridgeFile } from "../../src/cli/discovery.ts";
import { createHome } from "./cli-process.ts";

describe("serve", () => {
  test("says how to send the first event, and takes it", async () => {
    const home = createHome();
    const { process, url } = await home.serve();
    const [, token = ""] = /Bearer ([^']+)'/.exec(process.stdout) ?? [];
    const [, event = ""] = /-d '([^']+)'/.exec(process.stdout) ?? [];

    const response = await fetch(`${url}/v1/events`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: event,
    });

    expect(process.stdout).toContain(`curl -X POST ${url}/v1/events`);
    expect(await response.json()).toMatchObject({ accepted: 1 });
  });

  test("keeps a token to itself that it was given", async () => {
    const home = createHome();
    const serve = home.start(["serve", "--port", "0"], { ORCHESTRA_TOKEN: "a-token-of-my-own" });
    await serve.printed("Watch what happens");

    expect(serve.stdout).not.toContain("a-token-of-my-own");
    expect(serve.stdout).toContain("$ORCHESTRA_TOKEN");
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends well on %s and takes its file away", async (signal) => {
    const home = createHome();
    const { process } = await home.serve();
    const file = join(home.state, "orchestra-otel", "bridge.json");
    expect(existsSync(file)).toBe(true);

    process.kill(signal);

    expect(await process.exited).toBe(0);
    expect(process.stderr).toBe("");
    expect(existsSync(file)).toBe(false);
  });

  test("names the port that is taken", async () => {
    const home = createHome();
    const { url } = await home.serve();
    const { port } = new URL(url);

    const { exitCode, stderr } = await home.start(["serve", "--port", port]).result();

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`127.0.0.1:${port}`);
  });

  test("says which variable switches it off", async () => {
    const home = createHome();

    const { exitCode, stderr } = await home.start(["serve"], { ORCHESTRA_BRIDGE: "false" }).result();

    expect(exitCode).toBe(2);
    expect(stderr).toContain("ORCHESTRA_BRIDGE");
  });

  test("serves on when nobody reads its greeting, and still takes its file away", async () => {
    const home = createHome();
    const serve = home.start(["serve", "--port", "0"]);
    serve.child.stdout?.destroy();
    await expect.poll(() => readBridgeFile(home.env), { timeout: 10_000, interval: 20 }).toBeDefined();
    const url = readBridgeFile(home.env)?.url;

    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    serve.kill("SIGTERM");

    expect(await serve.exited).toBe(0);
    expect(existsSync(join(home.state, "orchestra-otel", "bridge.json"))).toBe(false);
  });

  test("works without a place for its file", async () => {
    const home = createHome();
    const serve = home.start(["serve", "--port", "0"], { XDG_STATE_HOME: "/dev/null" });

    await serve.printed("Watch what happens");
    expect(serve.stderr).toContain("exec and tail need --url");
  });
});
