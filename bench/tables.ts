// The suite as text: a block per row, all rows beside each other as ratios, and what is compared with what.

import { table } from "antiphon/lab";
import type { Failed, Measured } from "./measure.ts";
import { type Peer, type PeerName, peers } from "./peers.ts";
import { questions } from "./questions.ts";
import { type RowName, rows } from "./rows.ts";
import { costRatio, ratio, short, spreadOf, times } from "./spread.ts";

export interface Found {
  readonly rows: readonly RowName[];
  /** Those that take part on this machine. */
  readonly peers: readonly PeerName[];
  /** Of packages, and of Erlang. */
  readonly versions: { readonly [peer in PeerName]?: string };
  /** Items per repetition, or why a peer has no such row. */
  readonly sizes: { readonly [row in RowName]?: { readonly [peer in PeerName]?: number | string } };
  readonly measured: Measured;
  readonly failed: readonly Failed[];
}

/** By question: rows, and in each the peers from the least cost to the greatest. */
export function blocks(found: Found): string {
  const { rows: chosen, measured } = found;
  const texts = Object.values(questions).map(({ asks, rows: of }) => {
    const text = of.filter((row) => chosen.includes(row) && measured[row] !== undefined);
    return text.length === 0 ? "" : [`# ${asks}`, ...text.map((row) => block(row, found))].join("\n\n");
  });
  return texts.filter((text) => text !== "").join("\n\n");
}

function block(row: RowName, { measured, sizes }: Found): string {
  const { what, unit, kind } = rows[row];
  const found = measured[row] ?? {};
  const lines = Object.entries(found).map(([peer, rounds]) => {
    const spread = spreadOf(rounds.flat());
    const over = (other: PeerName) => (other === peer ? "" : ratio(costRatio(kind, rounds, found[other])));
    const cost = kind === "rate" ? 1 / spread.median : spread.median;
    const size = (sizes[row]?.[peer as PeerName] ?? "").toLocaleString("en");
    const cells = [peer, short(spread.median), `${short(spread.min)}–${short(spread.max)}`];
    return { cost, cells: [...cells, over("antiphon"), over("bare"), size] };
  });
  lines.sort((a, b) => a.cost - b.cost);
  const head = ["", unit, "min–max", "cost / antiphon", "cost / bare", "size"];
  return `${row}: ${what}\n\n${table([head, ...lines.map(({ cells }) => cells)])}`;
}

/** How many times Antiphon's cost each peer takes, by its medians. */
export function overview({ rows: chosen, peers: present, measured }: Found): string {
  const others = present.filter((peer) => peer !== "antiphon");
  const body = chosen
    .filter((row) => measured[row] !== undefined)
    .map((row) => {
      const { kind, unit } = rows[row];
      const own = measured[row]?.["antiphon"];
      const cell = (peer: PeerName) => {
        const cost = costRatio(kind, measured[row]?.[peer], own);
        return cost === undefined ? "-" : times(cost.median);
      };
      return [row, own === undefined ? "-" : short(spreadOf(own.flat()).median), unit, ...others.map(cell)];
    });
  return [
    "# How many times what Antiphon takes? Below 1 is quicker, or smaller, than Antiphon",
    "",
    table([["row", "antiphon", "", ...others], ...body]),
  ].join("\n");
}

/** Who the peers are, what is unfair, and why a cell is empty. What several have in common is said once. */
export function notes(found: Found): string {
  const { peers: present, versions } = found;
  const said: string[] = [];
  const mark = (sign: string) => (sentence: string) => {
    if (!said.includes(sentence)) said.push(sentence);
    return `${sign}${said.indexOf(sentence) + 1}`;
  };
  const body = present.map((name) => {
    const { title, how, favours = [], burdens = [] }: Peer = peers[name];
    const marks = [...favours.map(mark("+")), ...burdens.map(mark("−"))].join(" ");
    return [name, [title, versions[name]].filter((part) => part !== undefined).join(" "), marks, how];
  });
  const empty = present.flatMap((peer) => missing(peer, found));
  return [
    "# What is compared with what, and what is unfair about it: + for that peer, − against it",
    "",
    table([["", "", "unfair", "an actor is"], ...body]),
    "",
    ...said.map((sentence, i) => `${String(i + 1).padStart(3)}  ${sentence}`),
    ...(empty.length > 0 ? ["", "No number, -, for", ...empty] : []),
  ].join("\n");
}

/** Reasons, each with its rows. */
function missing(peer: PeerName, { rows: chosen, sizes, failed }: Found): string[] {
  const reasons = new Map<string, string[]>();
  const add = (reason: string, row: string) => reasons.set(reason, [...(reasons.get(reason) ?? []), row]);
  for (const row of chosen) {
    const size = sizes[row]?.[peer];
    if (typeof size === "string") add(size, row);
  }
  for (const { contest, entrant, why } of failed) if (entrant === peer) add(`FAILED: ${why}`, contest);
  return [...reasons].map(([reason, rowsOf]) => `  ${peer} in ${rowsOf.join(", ")}: ${reason}`);
}
