// One peer on one row, in a process of its own: type feedback of other rows and heaps of other peers stay out. The
// parent says when to take a sample.
//
//   node cell.js antiphon ring 4000000      a row on a peer
//   node cell.js roads lifo 1000000         a road of Antiphon's; `adapters`: one through another library
//   node cell.js door ms /path/to/index.js  an import, in ms; or `bytes` of heap

import type { PeerName } from "./peers.ts";
import { type Prepared, type RowName, rows, type Subject } from "./rows.ts";

const [who = "", what = "", size = ""] = process.argv.slice(2);

// No row ever waits for a clock, so a process that took longer than it computed was pushed off its core by another:
// then its processor time (all threads, so rather too long) is nearer to the truth than the time on the wall.
async function rateOf({ run, check }: Prepared): Promise<number> {
  const startedMs = performance.now();
  const used = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(used);
  const tookMs = performance.now() - startedMs;
  await check();
  return (Number(size) / Math.min(tookMs, (user + system) / 1_000)) * 1_000;
}

/** What an actor takes of heap or of resident memory. */
async function bytesOf(spawn: Subject["idle"], of: "heapUsed" | "rss"): Promise<number> {
  // One actor first: what the first spawn brings once (classes, code, a system's tables) is not what an actor costs.
  const first = await spawn(1);
  const before = await atRest();
  const kept = await spawn(Number(size));
  const after = await atRest();
  if (first === kept) throw new Error("the actors were not kept");
  return (after[of] - before[of]) / Number(size);
}

async function atRest(): Promise<NodeJS.MemoryUsage> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error("node --expose-gc is needed");
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  return process.memoryUsage();
}

async function msOf(load: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await load();
  return performance.now() - startedMs;
}

const subjects: { readonly [peer in Exclude<PeerName, "erlang">]: () => Promise<Subject> } = {
  antiphon: async () => (await import("./subject/antiphon.ts")).subject,
  bare: async () => (await import("./subject/bare.ts")).subject,
  nact: async () => (await import("./subject/nact.ts")).subject,
  comedy: async () => (await import("./peer/comedy.ts")).subject,
  xstate: async () => (await import("./peer/xstate.ts")).ofMachine,
  transition: async () => (await import("./peer/xstate.ts")).ofTransition,
  effect: async () => (await import("./peer/effect.ts")).subject,
  rxjs: async () => (await import("./peer/rxjs.ts")).subject,
  emitter: async () => (await import("./peer/emitter.ts")).subject,
  chain: async () => (await import("./peer/chain.ts")).subject,
  loop: async () => (await import("./peer/loop.ts")).subject,
};

const imports: { readonly [peer: string]: () => Promise<unknown> } = {
  antiphon: () => import("antiphon"),
  bare: () => import("./bare.ts"),
  nact: () => import("nact"),
};

/** What takes one sample. Called once. */
async function sampler(): Promise<() => Promise<number>> {
  if (who === "roads" || who === "adapters") {
    const { work } = await (who === "roads" ? import("./road.ts") : import("./adapter.ts"));
    return async () => rateOf(await work(what, Number(size)));
  }
  if (who === "door") {
    const load = () => import(size);
    if (what === "ms") return () => msOf(load);
    return async () => {
      const before = await atRest();
      await load();
      return (await atRest()).heapUsed - before.heapUsed;
    };
  }
  if (what === "import") return () => msOf(imports[who] ?? (() => Promise.reject(new Error(`No import: ${who}.`))));
  const row = rows[what as RowName];
  const load = subjects[who as keyof typeof subjects];
  if (row === undefined || load === undefined) throw new Error(`No such cell: ${who} ${what}.`);
  const subject = await load();
  if (row.shape === "idle") return () => bytesOf(subject.idle, what === "idle" ? "heapUsed" : "rss");
  const work = subject[row.shape as Exclude<keyof Subject, "idle">];
  const prepare = () => work(Number(size), row.of ?? Number.NaN);
  if (!row.keeps) return async () => rateOf(await prepare());
  const prepared = await prepare();
  return () => rateOf(prepared);
}

let ready: Promise<() => Promise<number>> | undefined;
const sample = async () => (await (ready ??= sampler()))();

if (process.send === undefined) {
  // Alone, for a profiler: node --cpu-prof cell.js antiphon ring 2000000
  for (let i = 0; i < 8; i++) console.log(Math.round(await sample()));
} else {
  process.on("message", () => {
    sample().then(
      (value) => process.send?.({ value }),
      (error: unknown) =>
        process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}
