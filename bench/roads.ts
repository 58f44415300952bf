// The slow roads of Antiphon: what a message costs when something is switched on, beside the short road of the same
// verb. What each of them is; road.ts walks them.

import { table } from "antiphon/lab";
import { adapters } from "./adapters.ts";
import type { Contest, Measured } from "./measure.ts";
import { NodeSampler } from "./process.ts";
import { costRatio, ratio, spreadOf } from "./spread.ts";

export interface Road {
  readonly what: string;
  /** Items in a repetition. */
  readonly size: number;
  /** The short road that it is compared with; none for itself. */
  readonly beside?: "tell" | "ask" | "plain";
}

const k = 1_000;
const m = 1_000_000;
const tell = (what: string, size: number = m): Road => ({ what, size, beside: "tell" });
const ask = (what: string, size: number = 300 * k): Road => ({ what, size, beside: "ask" });

const roads: Readonly<Record<string, Road>> = {
  tell: { what: "one message goes round 100 actors; a number is its payload, nobody observes", size: 2 * m },
  "tell, events": tell("somebody listens to system.events", 2 * m),
  "tell, counted": tell("an observer counts each step of each message"),
  "tell, traced": tell("an observer keeps step, actor, name and time, the last 100,000 of them"),
  "tell, concurrency": tell("actors with a concurrency of 2"),
  "tell, lifo": tell("mailboxes in the order lifo"),
  "tell, priority": tell("mailboxes with a priority, the same for all"),
  "tell, key": tell("each message names a key"),
  "tell, forwarded": tell("each message goes through a [receive] actor that forwards it: two messages"),
  "tell, by a Proxy": tell("the same, and that actor has not declared its messages", 200 * k),
  offer: tell("the same by offer; nobody awaits it"),
  "tell, 4 fields": tell("a fresh object of 4 fields as payload"),
  "freeze, 4 fields": tell("the same under isolation freeze"),
  "clone, 4 fields": tell("the same under isolation clone", 50 * k),
  "tell, 32 fields": tell("a fresh object of 32 fields"),
  "freeze, 32 fields": tell("the same under isolation freeze", 200 * k),
  "clone, 32 fields": tell("the same under isolation clone", 20 * k),
  "tell, 1000 numbers": tell("a fresh array of 1,000 numbers", 100 * k),
  "freeze, 1000 numbers": tell("the same under isolation freeze", 5 * k),
  "clone, 1000 numbers": tell("the same under isolation clone", 5 * k),
  ask: { what: "a serial actor asks another, one ask after the other; nobody observes", size: 400 * k },
  "ask, counted": ask("an observer counts each step of each message"),
  "ask, traced": ask("an observer keeps step, actor, name and time, the last 100,000 of them"),
  "ask, concurrency": ask("who is asked has a concurrency of 2"),
  "ask, concurrent": ask("who asks has a concurrency of 2, so that it runs in an AsyncLocalStorage", 200 * k),
  "ask, within": ask("each ask says within, and gets a timer of its own"),
  "ask, forwarded": ask("each ask goes through a [receive] actor that forwards it: two messages"),
};

/** Each a question of its own, and walked by a cell of its name. */
type MapName = "roads" | "adapters";
const maps: Readonly<Record<MapName, Readonly<Record<string, Road>>>> = { roads, adapters };

export function contestsOfRoads(map: MapName, script: string, reps: number, scale: number): Contest[] {
  const entrants = Object.entries(maps[map]).map(([name, { size }]) => ({
    name,
    start: () => new NodeSampler(script, [map, name, String(Math.max(1_000, Math.round(size * scale)))], []),
  }));
  return [{ name: map, entrants, way: "turns", reps }];
}

export function reportRoads(map: MapName, measured: Measured): string {
  const found = measured[map] ?? {};
  const body = Object.entries(maps[map]).map(([name, { what, beside }]) => {
    const rounds = found[name];
    const { median, min, max } = spreadOf(rounds?.flat() ?? []);
    const ns = (rate: number) => (1e9 / rate).toFixed(0);
    const cost = beside === undefined ? undefined : costRatio("rate", rounds, found[beside]);
    // The greatest rate is the least cost.
    const cells = rounds === undefined ? ["-", "", ""] : [ns(median), `${ns(max)}–${ns(min)}`, ratio(cost)];
    return [name, ...cells, what];
  });
  return table([[map.slice(0, -1), "ns", "min–max", "times the short road", "what"], ...body]);
}
