import { expect, it } from "vitest";
import { findChromium } from "../../../scripts/find-chromium.ts";
import { requireCommand } from "../../../scripts/machine.ts";

interface TestMachine {
  /** Files that run, by their end. */
  runs?: readonly string[];
  /** Commands that install, and the files that run after each. Any other fails. */
  installs?: Readonly<Record<string, readonly string[]>>;
  env?: Record<string, string>;
  userId?: number;
}

function find({ runs = [], installs = {}, env = { PATH: "/bin" }, userId = 1000 }: TestMachine) {
  const working = [...runs];
  const [installed, said]: [string[], string[]] = [[], []];
  const run = (command: string, args: readonly string[]) => {
    if (args[0] === "--version") return working.some((end) => command.endsWith(end));
    const line = [command, ...args].map((word) => word.split("/").at(-1)).join(" ");
    installed.push(line);
    working.push(...(installs[line] ?? []));
    return installs[line] !== undefined;
  };
  const machine = { env, userId, run, say: (text: string) => said.push(text) };
  return { outcome: () => findChromium(machine), machine, installed, said };
}

const PACKAGE = ["apt-get update", "apt-get install -y chromium"] as const;
const DOWNLOAD = "node cli.js install --no-shell chromium";

it("takes the one that is named", () => {
  const { outcome, installed } = find({ env: { CHROME_PATH: "/opt/chrome" }, runs: ["/bin/chromium"] });
  expect([outcome(), installed]).toEqual(["/opt/chrome", []]);
});

it.each([
  ["/usr/bin/chromium"],
  ["/opt/bin/google-chrome"],
  ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
])("takes an installed one: %s", (file) => {
  const { outcome, installed, said } = find({ runs: [file], env: { PATH: "/usr/bin:/opt/bin" }, userId: 0 });
  expect([outcome(), installed, said]).toEqual([file, [], []]);
});

it("installs the Debian package as root, and says so", () => {
  const { outcome, installed, said } = find({
    userId: 0,
    installs: { [PACKAGE[0]]: [], [PACKAGE[1]]: ["/bin/chromium"] },
  });
  expect(outcome()).toBe("/bin/chromium");
  expect(installed).toEqual(PACKAGE);
  expect(said).toHaveLength(1);
});

it("downloads one for a user who may not install packages", () => {
  const { outcome, installed } = find({ installs: { [DOWNLOAD]: ["/chrome"] } });
  expect(outcome()).toMatch(/\/chrome$/);
  expect(installed).toEqual([DOWNLOAD]);
});

it("downloads one, with the libraries that it needs, where the package does not run", () => {
  const withLibraries = "node cli.js install --no-shell --with-deps chromium";
  const installs = { [PACKAGE[0]]: [], [PACKAGE[1]]: [], [withLibraries]: ["/chrome"] };
  const { outcome, installed } = find({ userId: 0, installs });
  expect(outcome()).toMatch(/\/chrome$/);
  expect(installed).toEqual([...PACKAGE, withLibraries]);
});

it("says what to do when nothing helps", () => {
  const { outcome, installed } = find({ userId: 0 });
  expect(outcome).toThrow("CHROME_PATH");
  expect(installed).toHaveLength(2);
});

it("installs a command that is missing, and only then", () => {
  const installs = { "apt-get update": [], "apt-get install -y curl": ["curl"] };
  const { machine, installed, said } = find({ userId: 0, installs });
  requireCommand("curl", machine);
  requireCommand("curl", machine);
  expect([installed, said.length]).toEqual([Object.keys(installs), 1]);
});

it("says which command is missing", () => {
  const { machine } = find({});
  expect(() => requireCommand("python3", machine)).toThrow("python3");
});
