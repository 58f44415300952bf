// Sequence diagrams of a run: who sent what to whom, as text for a terminal and as Mermaid for a document. Each exchange
// is drawn once, in the order given; no line of text is longer than its width, and no note loses a word.

import { whole } from "../kernel/options.ts";

export interface Exchange {
  /** The event of the run in which it happened, counted from 1. */
  readonly step: number;
  /** Virtual time in ms. */
  readonly atMs: number;
  /** `own` is an event of `from` alone, as of a timer; `fault` strikes `to`, whatever `from` is. */
  readonly kind: "message" | "reply" | "own" | "fault";
  /** A path; `/` is the outside. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly note?: string | undefined;
  readonly marked?: boolean | undefined;
}

export interface SequenceOptions {
  /** Characters per line, 60 or more; 100 by default. */
  readonly width?: number | undefined;
}

/**
 * Actors are columns, in the order in which they appear, under the last segments of their paths, or the whole paths where
 * two segments are alike. A message is a line, a reply a dashed one, a fault a `✕`; `▸` stands before what is marked,
 * `×` before a marked fault. Where the columns do not fit, labels are cut; where that does not help, it is a list of steps.
 *
 * Units: a character is a code point, which is right where none is double wide. Time is in ms, to a thousandth.
 * Fails: InvalidOption.
 */
export function sequenceText(exchanges: readonly Exchange[], options: SequenceOptions = {}): string {
  const width = whole("width", options.width, 100, 60);
  if (exchanges.length === 0) return "";
  const plain = exchanges.map((one) => ({ ...one, label: oneLine(one.label), note: oneLine(one.note ?? "") }));
  const names = namesOf(plain);
  const before = margins(plain);
  const lines = picture(plain, names, before, width) ?? list(plain, names, before, width);
  return lines.map((line) => line.trimEnd()).join("\n");
}

/**
 * A Mermaid `sequenceDiagram` with the participants p1, p2, … under the names that `sequenceText` gives them. What
 * Mermaid would read as its own in a text (`;`, `#`, `%`, `$`, `<`, `end`, `wrap:`) stands there as a character code.
 */
export function sequenceMermaid(exchanges: readonly Exchange[]): string {
  const names = namesOf(exchanges);
  const ids = new Map([...names.keys()].map((path, i) => [path, `p${i + 1}`]));
  const arrows = exchanges.flatMap((one) => {
    const at = [...new Set(columnsOf(one).map((path) => ids.get(path)))].join();
    const label = escaped(`${markOf(one)} ${bare(one)}`);
    const drawn = isArrow(one)
      ? `${ids.get(one.from)}${one.kind === "reply" ? "-->>" : "->>"}${ids.get(one.to)}: ${label}`
      : `Note over ${at}: ${label}`;
    return one.note === undefined ? [drawn] : [drawn, `Note over ${at}: ${escaped(one.note)}`];
  });
  const participants = [...names].map(([path, name]) => `participant ${ids.get(path)} as ${escaped(name)}`);
  return ["sequenceDiagram", ...[...participants, ...arrows].map((line) => `  ${line}`)].join("\n");
}

type Plain = Exchange & { readonly note: string };
type Names = ReadonlyMap<string, string>;

function isArrow({ kind }: Exchange): boolean {
  return kind === "message" || kind === "reply";
}

function columnsOf(one: Exchange): string[] {
  if (isArrow(one)) return [one.from, one.to];
  return [one.kind === "own" ? one.from : one.to];
}

function markOf({ marked, kind }: Exchange): string {
  if (marked !== true) return "";
  return kind === "fault" ? "×" : "▸";
}

/** What is said of an exchange where no line says it. */
function bare({ kind, label }: Exchange): string {
  if (kind === "own") return `~${label}~`;
  return kind === "fault" ? `✕ ${label}` : label;
}

/** By path, in the order of first appearance. */
function namesOf(exchanges: readonly Exchange[]): Names {
  const paths = new Set(exchanges.flatMap(columnsOf));
  const last = (path: string) => (path === "/" ? "outside" : path.slice(path.lastIndexOf("/") + 1));
  const times = new Map<string, number>();
  for (const path of paths) times.set(last(path), (times.get(last(path)) ?? 0) + 1);
  return new Map([...paths].map((path) => [path, path === "/" || times.get(last(path)) === 1 ? last(path) : path]));
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

function escaped(text: string): string {
  return oneLine(text).replace(/[#;%$<]|\bend\b|(?<=^(?:no)?wrap):/gi, (found) =>
    found.replace(/^./, (first) => `#${first.charCodeAt(0)};`),
  );
}

function sizeOf(text: string): number {
  return [...text].length;
}

function longestOf(texts: readonly string[]): number {
  return texts.reduce((size, text) => Math.max(size, sizeOf(text)), 0);
}

function cut(text: string, size: number): string {
  return sizeOf(text) <= size
    ? text
    : `${[...text]
        .slice(0, size - 1)
        .join("")
        .trimEnd()}…`;
}

/** Breaks between words, and words that are longer than `room`. */
function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  let rest = [...text];
  while (rest.length > room) {
    const space = rest.lastIndexOf(" ", room);
    const end = space > 0 ? space : room;
    lines.push(rest.slice(0, end).join(""));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, rest.join("")];
}

/** What stands before each exchange: its mark, and the time where it is another than before. All are equally long. */
function margins(exchanges: readonly Exchange[]): string[] {
  const times = exchanges.map(({ atMs }) => `${Math.round(atMs * 1_000) / 1_000} ms`);
  const size = longestOf(times);
  const hasMarks = exchanges.some(({ marked }) => marked);
  return exchanges.map((one, i) => {
    const time = i > 0 && times[i] === times[i - 1] ? "" : times[i]!;
    return `${hasMarks ? markOf(one).padEnd(2) : ""}${time.padStart(size)}  `;
  });
}

/** To which lengths labels are cut, one after the other, until the columns fit. */
const cuts = [Number.POSITIVE_INFINITY, 40, 32, 24, 18, 12];
/** What notes may have at least, if they need it. */
const noteRoom = 16;

function picture(all: readonly Plain[], names: Names, before: readonly string[], width: number): string[] | undefined {
  const indent = sizeOf(before[0]!);
  const longest = longestOf(all.map(({ note }) => note));
  const notesNeed = longest === 0 ? 0 : 2 + Math.min(longest, noteRoom);
  for (const size of cuts) {
    const short = all.map((one) => ({ ...one, label: cut(one.label, size) }));
    const lanes = lanesOf(short, names);
    if (indent + lanes.width + notesNeed > width) continue;
    const room = Math.max(1, width - indent - lanes.width - 2);
    const empty = lifelines(lanes).join("");
    const rows = short.flatMap((one, i) => {
      const [first, ...more] = wrapped(one.note, room);
      const rest = more.map((line) => `${" ".repeat(indent)}${empty}  ${line}`);
      return [`${before[i]}${arrow(one, lanes).join("")}  ${first}`, ...rest];
    });
    return [" ".repeat(indent) + header(names, lanes), ...rows];
  }
  return undefined;
}

interface Lanes {
  /** Where the line of each actor is, by path. */
  readonly at: ReadonlyMap<string, number>;
  readonly width: number;
}

/** How far a name that is centred on a line reaches to its left. */
function leftOf(name: string): number {
  return (sizeOf(name) - 1) >> 1;
}

/** As near to each other as names and labels allow; nearer ones make room before those further apart take it. */
function lanesOf(all: readonly Plain[], names: Names): Lanes {
  const list = [...names.values()];
  const order = new Map([...names.keys()].map((path, i) => [path, i]));
  const rightOf = (name: string) => sizeOf(name) - leftOf(name);
  const gaps = list.map((name, i) => rightOf(name) + (i + 1 < list.length ? leftOf(list[i + 1]!) + 1 : 0));
  const needs = all.map((one) => {
    const [from = 0, to = from] = columnsOf(one).map((path) => order.get(path)!);
    const low = Math.min(from, to);
    const alone = from === to;
    const need = alone ? sizeOf(beside(one)) + 2 : sizeOf(one.label) + 6;
    return { low, high: alone ? low + 1 : Math.max(from, to), next: to < from ? from - 1 : from, need };
  });
  for (const { low, high, next, need } of needs.sort((a, b) => a.high - a.low - (b.high - b.low)))
    gaps[next]! += Math.max(0, need - gaps.slice(low, high).reduce((sum, gap) => sum + gap, 0));
  let x = leftOf(list[0]!);
  const at = new Map<string, number>();
  [...names.keys()].forEach((path, i) => {
    at.set(path, x);
    x += gaps[i]!;
  });
  return { at, width: x };
}

function lifelines({ at, width }: Lanes): string[] {
  const cells = Array.from({ length: width }, () => " ");
  for (const x of at.values()) cells[x] = "│";
  return cells;
}

function header(names: Names, { at, width }: Lanes): string {
  const cells = Array.from({ length: width }, () => " ");
  for (const [path, name] of names) write(cells, at.get(path)! - leftOf(name), name);
  return cells.join("");
}

function write(cells: string[], x: number, text: string): void {
  [...text].forEach((char, i) => {
    cells[x + i] = char;
  });
}

/** What stands at the line of one actor, which its first character replaces. */
function beside(one: Exchange): string {
  if (one.kind === "fault") return bare(one);
  return `│${one.kind === "own" ? bare(one) : `↻ ${one.label}`}`;
}

function arrow(one: Plain, lanes: Lanes): string[] {
  const cells = lifelines(lanes);
  const [from = 0, to = from] = columnsOf(one).map((path) => lanes.at.get(path)!);
  if (from === to) {
    write(cells, from, beside(one));
    return cells;
  }
  const way = to > from ? 1 : -1;
  const isReply = one.kind === "reply";
  if (!isReply) cells[from] = way > 0 ? "├" : "┤";
  const size = one.label === "" ? 0 : sizeOf(one.label) + 2;
  for (let x = from + way; x !== to; x += way) {
    // Dashes begin at the sender, and again behind the label.
    const isDash = (Math.abs(x - from) + (size || 1)) % 2 === 0;
    if (cells[x] === "│") cells[x] = isReply ? "│" : "┼";
    else if (isDash || !isReply) cells[x] = isReply ? "-" : "─";
  }
  cells[to - way] = way > 0 ? "▶" : "◀";
  if (size > 0) {
    write(cells, way > 0 ? from + 2 : from - 1 - size, ` ${one.label} `);
    cells[from + way] = isReply ? "-" : "─";
  }
  return cells;
}

function list(all: readonly Plain[], names: Names, before: readonly string[], width: number): string[] {
  const stepSize = longestOf(all.map(({ step }) => String(step)));
  const indent = sizeOf(before[0]!) + stepSize + 2;
  const nameMax = Math.max(6, Math.floor((width - indent) / 4) - 2);
  const nameOf = (path: string) => {
    const name = [...names.get(path)!];
    // The end of a path says most.
    return name.length <= nameMax ? name.join("") : `…${name.slice(1 - nameMax).join("")}`;
  };
  const whos = all.map((one) =>
    columnsOf(one)
      .map(nameOf)
      .join(one.kind === "reply" ? " ⇢ " : " → "),
  );
  const whoSize = longestOf(whos);
  const room = Math.max(1, width - indent - whoSize - 2);
  return all.flatMap((one, i) => {
    const [first, ...more] = wrapped(one.note === "" ? bare(one) : `${bare(one)}  ${one.note}`, room);
    const who = whos[i]! + " ".repeat(whoSize - sizeOf(whos[i]!));
    const rest = more.map((line) => " ".repeat(indent + whoSize + 2) + line);
    return [`${before[i]}${String(one.step).padStart(stepSize)}  ${who}  ${first}`, ...rest];
  });
}
