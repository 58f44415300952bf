// What an import costs: each door of the package as it is built, beside the packages of peers. A fresh process each.

import { table } from "antiphon/lab";
import type { Contest, Measured } from "./measure.ts";
import { type Peer, peers } from "./peers.ts";
import { NodeSampler } from "./process.ts";
import { short, spreadOf } from "./spread.ts";

const measures = ["ms", "bytes"] as const;

export function contestsOfDoors(script: string, doors: ReadonlyMap<string, string>, reps: number): Contest[] {
  const listed = Object.values<Peer>(peers).map((peer) => peer.package);
  const packages = [...new Set(listed)].filter((name) => name !== undefined);
  const imported = new Map([...doors, ...packages.map((name) => [name, name] as const)]);
  return measures.map((measure) => ({
    name: `door ${measure}`,
    entrants: [...imported].map(([name, path]) => ({
      name,
      start: () => new NodeSampler(script, ["door", measure, path], measure === "bytes" ? ["--expose-gc"] : []),
    })),
    way: "once",
    reps,
  }));
}

export function reportDoors(measured: Measured): string {
  const [ms = {}, bytes = {}] = measures.map((measure) => measured[`door ${measure}`]);
  const body = Object.keys(ms).map((name) => {
    const took = spreadOf(ms[name]?.flat() ?? []);
    const heap = spreadOf(bytes[name]?.flat() ?? []);
    return [
      name,
      took.median.toFixed(1),
      `${took.min.toFixed(1)}–${took.max.toFixed(1)}`,
      short(heap.median / 1_024),
      `${short(heap.min / 1_024)}–${short(heap.max / 1_024)}`,
    ];
  });
  return table([["import", "ms", "min–max", "heap, kB", "min–max"], ...body]);
}
