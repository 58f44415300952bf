// Source files as data: what each imports, and its syntax tree. The parser is the one that vitest brings: TypeScript 7
// has no compiler API to ask.

import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { parseAst } from "vitest/node";

interface Import {
  /** A path from the root of the tree, or the name of a package or of a `node:` module. */
  readonly to: string;
  /** Of types alone: gone when compiled. */
  readonly typesOnly: boolean;
}

export interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Source {
  readonly path: string;
  readonly lines: number;
  readonly syntax: Node;
  readonly imports: readonly Import[];
}

/** All TypeScript files of the folders but planted and installed ones, by their paths from the root. */
export function readSources(root: string, folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(posix.join(root, folder), { recursive: true, encoding: "utf8" })
      .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
      .filter((path) => path.endsWith(".ts") && !/node_modules|^test\/fixtures\/planted/.test(path))
      .sort()
      .map((path) => parse(path, readFileSync(posix.join(root, path), "utf8"))),
  );
}

function parse(path: string, text: string): Source {
  const syntax = parseAst(text, { lang: "ts" }, path) as unknown as Node;
  const imports = [...walk(syntax)].flatMap(([node]) => importOf(path, node) ?? []);
  return { path, lines: text.split("\n").length - 1, syntax, imports };
}

/** Every node below, with the node that has it and the name of the field. */
export function* walk(parent: Node): Generator<[node: Node, parent: Node, field: string]> {
  for (const [field, value] of Object.entries(parent)) {
    for (const node of Array.isArray(value) ? value : [value]) {
      if (!isNode(node)) continue;
      yield [node, parent, field];
      yield* walk(node);
    }
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function importOf(path: string, node: Node): Import | undefined {
  const { type, source } = node;
  if (!isNode(source) || !/^(Import|Export|TSImport)/.test(type)) return undefined;
  const typesOnly = type === "TSImportType" || node["importKind"] === "type" || node["exportKind"] === "type";
  const to = typeof source["value"] === "string" ? resolve(path, source["value"]) : "a computed name";
  return { to, typesOnly };
}

function resolve(from: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  const door = /^antiphon(\/\w+)?$/.exec(specifier);
  return door ? `src${door[1] ?? ""}/index.ts` : specifier;
}
