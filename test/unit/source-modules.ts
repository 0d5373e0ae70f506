import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { parseAst } from "vitest/node";

export interface SourceModule {
  /** From the root of the repository, such as `src/job/job.ts`. */
  file: string;
  lines: number;
  /** Files of this repository that it imports, types included. */
  files: string[];
  /** Packages that it imports, such as `zod` or `@opentelemetry/api`. */
  packages: string[];
  /** Modules of Node that it imports, without `node:`. */
  builtins: string[];
  hasDefaultExport: boolean;
  usesConsole: boolean;
  readsEnvironment: boolean;
}

const ROOT = new URL("../../", import.meta.url);

/** Parses every TypeScript file below the folders. */
export function sourceModules(...folders: string[]): SourceModule[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`, { cwd: ROOT.pathname }))
    .sort()
    .map((file) => sourceModule(file, readFileSync(new URL(file, ROOT), "utf8")));
}

export function sourceModule(file: string, code: string): SourceModule {
  const nodes = [...walk(parseAst(code, { lang: file.endsWith("x") ? "tsx" : "ts" }))];
  const specifiers = nodes.map(specifierOf).filter((specifier) => specifier !== undefined);
  const relative = specifiers.filter((specifier) => specifier.startsWith("."));
  const outside = specifiers.filter((specifier) => !specifier.startsWith("."));
  return {
    file,
    lines: code.trimEnd().split("\n").length,
    files: relative.map((specifier) => posix.join(posix.dirname(file), specifier)),
    packages: outside.filter((specifier) => !isBuiltin(specifier)).map(packageOf),
    builtins: outside.filter(isBuiltin).map((specifier) => specifier.replace(/^node:/, "")),
    hasDefaultExport: nodes.some(({ type }) => type === "ExportDefaultDeclaration"),
    usesConsole: nodes.some(({ type, object }) => type === "MemberExpression" && isName(object, "console")),
    readsEnvironment: nodes.some(
      ({ type, object, property }) =>
        type === "MemberExpression" && isName(object, "process") && isName(property, "env"),
    ),
  };
}

/** A node of the ESTree syntax tree; which other fields it has depends on its type. */
interface Node {
  type: string;
  [field: string]: unknown;
}

function* walk(value: unknown): Generator<Node> {
  if (typeof value !== "object" || value === null) return;
  if (isNode(value)) yield value;
  for (const child of Object.values(value)) yield* walk(child);
}

function isNode(value: object): value is Node {
  return "type" in value && typeof value.type === "string";
}

function isName(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && "name" in value && value.name === name;
}

/** What an `import`, `export … from`, `import()`, `import type` or `require()` names. */
function specifierOf({ source, type, callee, arguments: passed }: Node): string | undefined {
  const literal = type === "CallExpression" && isName(callee, "require") ? (passed as unknown[])[0] : source;
  return typeof literal === "object" && literal !== null && "value" in literal
    ? String(literal.value)
    : undefined;
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
