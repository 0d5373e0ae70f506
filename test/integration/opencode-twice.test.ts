import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OpenCodeHooks, openCodeHooks } from "../../src/host/opencode-hooks.ts";
import { OpenCodeRig, SUBAGENT_SPANS, TestOpenCode, tell, told } from "../fixtures/opencode-rig.ts";

let rig: OpenCodeRig;

beforeEach(async () => {
  rig = await OpenCodeRig.open();
});

afterEach(() => rig.close());

describe("a plugin that is loaded twice", () => {
  const HOOKS = ["chat.headers", "chat.message", "dispose", "event", "shell.env"];
  const names = (hooks: OpenCodeHooks) => Object.keys(hooks).sort();

  /** Another copy of this package, as when two entries of `opencode.json` name it by different paths. */
  async function otherCopy(): Promise<typeof openCodeHooks> {
    const place = "../../src/host/opencode-hooks.ts?other";
    const copy = (await import(place)) as { openCodeHooks: typeof openCodeHooks };
    expect(copy.openCodeHooks).not.toBe(openCodeHooks);
    return copy.openCodeHooks;
  }

  it("tells of a directory once: by the copy that came first", async () => {
    const other = await otherCopy();
    const first = rig.start();
    const second = rig.start({}, new TestOpenCode(first.opencode.directory), other);
    const elsewhere = rig.start({}, new TestOpenCode(), other);
    expect([first, second, elsewhere].map(({ hooks }) => names(hooks))).toEqual([HOOKS, [], HOOKS]);
    expect(second.opencode.log).toEqual([
      expect.stringMatching(
        /^orchestra-otel: The plugin is loaded twice for \/project\/\d+: this copy does nothing \(file:\S+\), as file:\S+ is there$/,
      ),
    ]);
    await tell(first.hooks, told("plain"));
    await tell(second.hooks, told("plain"));
    await first.hooks.dispose?.();
    expect(rig.stored()).toHaveLength(1);
  });

  it("leaves a directory that is let go to whichever copy comes next", async () => {
    const other = await otherCopy();
    const first = rig.start();
    const { directory } = first.opencode;
    // OpenCode begins anew while the end is still under way.
    const ended = first.hooks.dispose?.();
    const second = rig.start({}, new TestOpenCode(directory), other);
    expect(names(second.hooks)).toEqual(HOOKS);
    expect(names(rig.start({}, new TestOpenCode(directory)).hooks)).toEqual([]);
    await first.hooks.dispose?.();
    expect(names(rig.start({}, new TestOpenCode(directory)).hooks)).toEqual([]);
    await ended;
    await second.hooks.dispose?.();
    expect(names(rig.start({}, new TestOpenCode(directory)).hooks)).toEqual(HOOKS);
  });

  it("goes on in the last hooks that one copy has made for a directory", async () => {
    const opencode = new TestOpenCode();
    const [former, latter] = [rig.start({}, opencode), rig.start({}, opencode)];
    const url = await opencode.feed();
    for (const call of told("subagent")) {
      await tell(former.hooks, [call]);
      await tell(latter.hooks, [call]);
    }
    await former.hooks.dispose?.();
    const { jobs } = (await (await fetch(`${url}/v1/jobs`)).json()) as { jobs: object[] };
    expect(jobs).toHaveLength(2);
    await latter.hooks.dispose?.();
    expect(rig.spanNames()).toEqual(SUBAGENT_SPANS);
    expect(names(rig.start({}, opencode, await otherCopy()).hooks)).toEqual(HOOKS);
  });
});
