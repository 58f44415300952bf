// Who may import whom, and what the sources of each room may not contain. A room is a folder or a single file; a door
// is a file whose names are public.

import { isNode, type Node, type Source, walk } from "./source.ts";

interface Room {
  /** The rooms, and single files of others, that its files may import beside their own. */
  readonly rooms: readonly string[];
  /** The packages and `node:` modules that they may import; `node:*` is any of Node's. */
  readonly modules: readonly string[];
}

const kernel = "src/runtime/kernel";
const runtime = [kernel, "src/runtime/live", "src/runtime/sim", "src/runtime/observe"];
const all = [...runtime, "src/actors", "src/lab", "src/testing", "src/index.ts"];
const doors = "doors";

export const rooms: Readonly<Record<string, Room>> = {
  [kernel]: { rooms: [], modules: [] },
  "src/runtime/live": { rooms: [kernel], modules: ["node:async_hooks", "node:perf_hooks"] },
  "src/runtime/sim": { rooms: [kernel], modules: ["node:*"] },
  "src/runtime/observe": { rooms: [kernel], modules: [] },
  "src/actors/broker": { rooms: [kernel, "src/actors"], modules: ["lmdb", "msgpackr", "node:*"] },
  "src/actors/patterns": { rooms: [kernel, "src/actors/broker/index.ts"], modules: [] },
  "src/actors/effect": { rooms: [kernel, "src/actors"], modules: ["effect", "effect/*", "fast-check"] },
  "src/actors/xstate": { rooms: [kernel, "src/actors"], modules: ["xstate"] },
  "src/actors/rxjs": { rooms: [kernel, "src/actors"], modules: ["rxjs", "rxjs/*"] },
  "src/actors/thread": {
    rooms: [kernel, "src/runtime/live", "src/actors"],
    // The module that a thread runs is the user's.
    modules: ["node:worker_threads", "a computed name"],
  },
  "src/actors": { rooms: [kernel, "src/actors/thread"], modules: ["node:worker_threads"] },
  "src/lab": { rooms: [...runtime, "src/actors", "src/index.ts"], modules: ["node:*"] },
  "src/testing": { rooms: [...runtime, "src/actors", "src/index.ts"], modules: ["node:*", "fast-check", "pure-rand"] },
  "src/scenarios": { rooms: [doors], modules: ["node:*"] },
  "src/index.ts": { rooms: [kernel, "src/runtime/live"], modules: [] },
  "src/cli.ts": { rooms: all, modules: ["node:*"] },
};

export interface Limits {
  readonly kernelLines: number;
  readonly fileLines: number;
  readonly medianLines: number;
}

export const limits: Limits = { kernelLines: 5_550, fileLines: 400, medianLines: 150 };

/** What breaks a rule, one sentence each: the rule, where, and what was found. */
export function violations(sources: readonly Source[], limits: Limits): string[] {
  const ofSrc = sources.filter(({ path }) => path.startsWith("src/"));
  if (ofSrc.length === 0) return ["scan: no file was found"];
  return [
    ...ofSrc.flatMap((source) => [...layers(source), ...barrels(source), ...worldly(source), ...hosted(source)]),
    ...cycles(ofSrc),
    ...sources.flatMap(names),
    ...sizes(sources, limits),
  ];
}

function roomOf(path: string): string | undefined {
  return Object.keys(rooms).find((room) => path === room || path.startsWith(`${room}/`));
}

export function isDoor(path: string): boolean {
  return /^src(\/[a-z]+|\/runtime\/sim|\/actors\/[a-z]+)?\/index\.ts$/.test(path);
}

function layers({ path, imports }: Source): string[] {
  const own = roomOf(path);
  const room = own && rooms[own];
  if (!room) return [`layers: ${path} is in no room`];
  const allowed = (to: string) => {
    if (!to.startsWith("src/")) return room.modules.some((module) => matches(module, to));
    const other = roomOf(to);
    if (other === own || room.rooms.includes(other ?? "") || room.rooms.includes(to)) return true;
    return room.rooms.includes(doors) && isDoor(to);
  };
  return imports.filter(({ to }) => !allowed(to)).map(({ to }) => `layers: ${path} imports ${to}`);
}

/** `node:*` and `effect/*` stand for all of these. */
function matches(module: string, name: string): boolean {
  return module.endsWith("*") ? name.startsWith(module.slice(0, -1)) : module === name;
}

function barrels({ path, syntax }: Source): string[] {
  if (isDoor(path)) return [];
  const reExports = [...walk(syntax)].some(([node]) => node.type.startsWith("Export") && isNode(node["source"]));
  return reExports || path.endsWith("/index.ts") ? [`barrels: ${path} is no door`] : [];
}

/** Draws, clocks and roundings of the host would make two runs of one seed differ. */
function worldly({ path, syntax }: Source): string[] {
  if (roomOf(path) === "src/runtime/live") return [];
  return [...walk(syntax)].flatMap(([node]) => {
    const found = worldlyPart(node);
    return found ? [`worldly: ${path} uses ${found}`] : [];
  });
}

const worldlyMembers: readonly (readonly [object: string, member: string])[] = [
  ["Math", "pow"],
  ["Math", "random"],
  ["Date", "now"],
];

function worldlyPart(node: Node): string | undefined {
  const { type, operator, object, property, init, id, callee } = node;
  if (operator === "**" || operator === "**=") return operator;
  if (type === "NewExpression" && nameOf(callee) === "Date" && isEmpty(node["arguments"])) return "new Date()";
  if (type === "CallExpression" && nameOf(callee) === "Date") return "Date()";
  const [of, members] = type === "MemberExpression" ? [object, [property]] : [init, membersOf(id)];
  const member = worldlyMembers.find(
    ([object, name]) => nameOf(of) === object && members.some((m) => nameOf(m) === name),
  );
  return member?.join(".");
}

/** The names that a pattern takes: `{ random, now: clock }`. */
function membersOf(pattern: unknown): unknown[] {
  const properties = isNode(pattern) && pattern["properties"];
  return Array.isArray(properties) ? properties.map((property) => property.key) : [];
}

function nameOf(node: unknown): unknown {
  return isNode(node) ? (node["name"] ?? node["value"]) : undefined;
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}

const hostNames = ["setTimeout", "setInterval", "setImmediate", "process", "performance", "globalThis"];

/** The kernel reaches the host through its ports alone. */
function hosted({ path, syntax }: Source): string[] {
  if (roomOf(path) !== kernel) return [];
  return [...walk(syntax)].flatMap(([node, parent, field]) => {
    const isMember = (field === "property" || field === "key") && parent["computed"] !== true;
    const name = node.type === "Identifier" && !isMember && hostNames.find((name) => name === node["name"]);
    return name ? [`hosted: ${path} uses ${name}`] : [];
  });
}

const vague = ["util", "utils", "helper", "helpers", "common", "manager", "managers"];

/** Names that say nothing about what is in the file or the thing. */
function names({ path, syntax }: Source): string[] {
  const declared = [...walk(syntax)]
    .filter(([{ type }, , field]) => type === "Identifier" && field === "id")
    .map(([node]) => String(node["name"]));
  const words = (name: string) => name.split(/[^A-Za-z]|(?=[A-Z])/).map((word) => word.toLowerCase());
  return [path, ...declared]
    .filter((name) => words(name).some((word) => vague.includes(word)))
    .map((name) => `names: ${path} says ${name}`);
}

function sizes(sources: readonly Source[], limits: Limits): string[] {
  const ofSrc = sources
    .filter(({ path }) => path.startsWith("src/"))
    .map(({ lines }) => lines)
    .sort((a, b) => a - b);
  const median = ofSrc[Math.floor(ofSrc.length / 2)] ?? 0;
  const inKernel = sources.filter(({ path }) => roomOf(path) === kernel).reduce((sum, { lines }) => sum + lines, 0);
  return [
    ...sources
      .filter(({ lines }) => lines > limits.fileLines)
      .map(({ path, lines }) => `sizes: ${path} has ${lines} lines of ${limits.fileLines}`),
    ...(inKernel > limits.kernelLines ? [`sizes: the kernel has ${inKernel} lines of ${limits.kernelLines}`] : []),
    ...(median > limits.medianLines ? [`sizes: the median file has ${median} lines of ${limits.medianLines}`] : []),
  ];
}

/** One sentence per import that closes a cycle, found depth first. Types may name each other: they load nothing. */
function cycles(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) {
      found.push(`cycles: ${[...above.slice(above.indexOf(path)), path].join(" → ")}`);
    } else if (!done.has(path)) {
      for (const { to, typesOnly } of byPath.get(path)?.imports ?? []) if (!typesOnly) visit(to, [...above, path]);
      done.add(path);
    }
  };
  for (const path of byPath.keys()) visit(path, []);
  return found;
}

/** What is loaded when a file is imported: files of the tree, and modules from outside it. */
export function loaded(sources: readonly Source[], from: string): { files: string[]; modules: string[] } {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const seen = new Set([from]);
  for (const path of seen) {
    for (const { to, typesOnly } of byPath.get(path)?.imports ?? []) if (!typesOnly) seen.add(to);
  }
  const [files, modules] = [true, false].map((inTree) => [...seen].filter((path) => byPath.has(path) === inTree));
  return { files: files ?? [], modules: modules ?? [] };
}
