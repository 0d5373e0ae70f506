import { describe, expect, it } from "vitest";
import { type SourceModule, sourceModule, sourceModules } from "./source-modules.ts";

interface Room {
  name: string;
  files: RegExp;
  /** Rooms it may import besides itself. */
  from: readonly string[];
  /** Packages it may load. */
  npm: RegExp;
  /** Modules of Node it may load. Default: any. */
  node?: RegExp;
}

const NONE = /^$/;
const OTEL = /^@opentelemetry\//;
const CORE = ["errors", "node-version", "fifo-map", "semconv", "job", "event", "lifecycle"];
const LIBRARY = [...CORE, "store", "event-log", "traces", "logs", "sse", "bridge"];

/** Who may import whom, from the ground up; one family of files in `exporters` is one room. */
const ROOMS: readonly Room[] = [
  { name: "errors", files: /^src\/errors\.ts$/, from: [], npm: NONE, node: NONE },
  { name: "node-version", files: /^src\/node-version\.ts$/, from: [], npm: NONE, node: NONE },
  { name: "fifo-map", files: /^src\/fifo-map\.ts$/, from: [], npm: NONE, node: NONE },
  { name: "semconv", files: /^src\/semconv\.ts$/, from: [], npm: NONE, node: NONE },
  { name: "job", files: /^src\/job\//, from: ["errors", "fifo-map"], npm: /^zod$/, node: NONE },
  {
    name: "event",
    files: /^src\/event\//,
    from: ["errors", "fifo-map", "semconv", "job"],
    npm: /^(zod|@opentelemetry\/api)$/,
    node: NONE,
  },
  {
    name: "lifecycle",
    files: /^src\/lifecycle\//,
    from: ["errors", "fifo-map", "semconv", "job", "event"],
    npm: NONE,
    node: /^async_hooks$/,
  },
  { name: "store", files: /^src\/store\//, from: ["errors", "node-version"], npm: NONE },
  { name: "event-log", files: /^src\/event-log\//, from: ["errors", "event", "store"], npm: NONE },
  { name: "traces", files: /^exporters\/(trace|span)[^/]*\.ts$/, from: [...CORE, "store"], npm: OTEL },
  { name: "logs", files: /^exporters\/log[^/]*\.ts$/, from: CORE, npm: /^pino$/ },
  { name: "sse", files: /^exporters\/sse[^/]*\.ts$/, from: CORE, npm: NONE },
  { name: "bridge", files: /^src\/bridge\//, from: [...CORE, "sse"], npm: /^(fastify|zod)$/ },
  // Runs in browsers: of the events it may use types, and what needs no package.
  { name: "client", files: /^src\/client\//, from: ["event"], npm: /^eventsource-parser$/, node: NONE },
  // Runs in browsers: of the events and jobs it may use types, and what needs no package.
  {
    name: "panel",
    files: /^src\/panel\//,
    from: ["fifo-map", "job", "event", "client"],
    npm: /^(preact|@preact\/signals)$/,
    node: NONE,
  },
  {
    name: "telemetry",
    // What composes the library lies on top of `src`.
    files: /^src\/(?!index\.)[^/]+\.ts$/,
    from: LIBRARY,
    npm: /^(zod|@opentelemetry\/.*)$/,
  },
  {
    name: "host",
    files: /^src\/host\//,
    from: [...LIBRARY, "telemetry"],
    npm: /^@opentelemetry\/api$/,
  },
  { name: "index", files: /^src\/index\.ts$/, from: [...LIBRARY, "telemetry"], npm: NONE, node: NONE },
  {
    name: "cli",
    files: /^src\/cli\//,
    from: [...LIBRARY, "telemetry", "index"],
    npm: /^(@opentelemetry\/.*|eventsource-parser|zod)$/,
  },
];

const MAX_LINES = 350;

/** The only library files that may read the environment: those that everything starts from. */
const ENTRIES = [
  "src/cli/main.ts",
  "src/host/opencode.ts",
  "src/node-sdk.ts",
  "src/register.ts",
  "src/telemetry.ts",
];

/** Where a host finds us by a default export. */
const PLUGINS = ["src/host/opencode.ts"];

const library = sourceModules("src", "exporters");
const programs = sourceModules("examples", "scripts");

function roomOf(file: string): Room | undefined {
  return ROOMS.find(({ files }) => files.test(file));
}

function filesWhere(rule: (module: SourceModule) => boolean): string[] {
  return library.filter(rule).map(({ file }) => file);
}

describe("the rooms of the house", () => {
  it("hold every source file", () => {
    expect(filesWhere(({ file }) => roomOf(file) === undefined)).toEqual([]);
  });

  it.each(ROOMS)("$name imports only what lies below it", (room) => {
    const strays = library
      .filter(({ file }) => roomOf(file) === room)
      .flatMap((module) => straysOf(module, room).map((stray) => `${module.file} → ${stray}`));
    expect(strays).toEqual([]);
  });

  it("name only rooms that lie below them", () => {
    ROOMS.forEach(({ from }, floor) => {
      const below = ROOMS.slice(0, floor).map(({ name }) => name);
      expect(below).toEqual(expect.arrayContaining([...from]));
    });
  });

  it("have no cycle between their files", () => {
    expect(cycleAmong(library)).toBeUndefined();
  });
});

describe("a source file", () => {
  it(`has at most ${MAX_LINES} lines`, () => {
    const long = [library, programs].flat().filter(({ lines }) => lines > MAX_LINES);
    expect(long.map(({ file }) => file)).toEqual([]);
  });

  it("reads the environment only where everything starts", () => {
    expect(filesWhere((module) => module.readsEnvironment && !ENTRIES.includes(module.file))).toEqual([]);
  });

  it("writes to no console", () => {
    expect(filesWhere((module) => module.usesConsole)).toEqual([]);
  });

  it("has no default export", () => {
    expect(filesWhere((module) => module.hasDefaultExport)).toEqual(PLUGINS);
  });
});

describe("the reader of source files", () => {
  const read = (code: string) => sourceModule("src/a/b.ts", code);

  it.each([
    ["import type { A } from '../c.ts'", "src/c.ts"],
    ["export * from './d.ts'", "src/a/d.ts"],
    ["type A = import('./e.ts').E", "src/a/e.ts"],
    ["const f = await import('./f.ts')", "src/a/f.ts"],
  ])("finds the file in `%s`", (code, file) => {
    expect(read(code).files).toEqual([file]);
  });

  it("tells packages from modules of Node", () => {
    const module = read("import 'node:fs'; import 'zod/v4'; require('pino'); import '@opentelemetry/api'");
    expect(module).toMatchObject({ builtins: ["fs"], packages: ["zod", "pino", "@opentelemetry/api"] });
  });

  it("sees the environment, the console and a default export", () => {
    const module = read("export default function f() { console.log(process.env.A); }");
    expect(module).toMatchObject({ readsEnvironment: true, usesConsole: true, hasDefaultExport: true });
  });

  it("finds a cycle", () => {
    const modules = ["a", "b", "c"].map((name, index, names) =>
      sourceModule(`${name}.ts`, `import './${names[(index + 1) % 3]}.ts'`),
    );
    expect(cycleAmong(modules)).toEqual(["a.ts", "b.ts", "c.ts", "a.ts"]);
  });
});

function straysOf({ files, packages, builtins }: SourceModule, room: Room): string[] {
  const allowed = [room.name, ...room.from];
  return [
    ...files.filter((file) => !allowed.includes(roomOf(file)?.name ?? "")),
    ...packages.filter((name) => !room.npm.test(name)),
    ...builtins.filter((name) => room.node !== undefined && !room.node.test(name)),
  ];
}

/** The files of one cycle, its first file again at the end. */
function cycleAmong(modules: readonly SourceModule[]): string[] | undefined {
  const imports = new Map(modules.map(({ file, files }) => [file, files]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const { file } of modules) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
