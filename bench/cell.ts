// One subject on one row, in a process of its own: type feedback of other rows and heaps of other subjects stay out.
// The parent says when to take a sample, so that the subjects of a row take turns.

import { type RowName, rows, type Subject, type SubjectName, type Work } from "./rows.ts";

const [subjectName, rowName, size] = process.argv.slice(2) as [SubjectName, RowName, string];

// No row ever waits for a clock, so a process that took longer than it computed was pushed off its core by another:
// then its processor time (all threads, so rather too long) is nearer to the truth than the time on the wall.
async function rateOf(work: Work): Promise<number> {
  const prepared = work(Number(size));
  const startedMs = performance.now();
  const used = process.cpuUsage();
  await prepared.run();
  const { user, system } = process.cpuUsage(used);
  const tookMs = performance.now() - startedMs;
  await prepared.check();
  return (Number(size) / Math.min(tookMs, (user + system) / 1_000)) * 1_000;
}

async function bytesOf(spawn: (size: number) => unknown): Promise<number> {
  // One actor first: what the first spawn brings once (classes, code, a system's tables) is not what an actor costs.
  const first = spawn(1);
  const before = await heapAtRest();
  const kept = spawn(Number(size));
  const after = await heapAtRest();
  if (first === kept) throw new Error("the actors were not kept");
  return (after - before) / Number(size);
}

async function heapAtRest(): Promise<number> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error("node --expose-gc is needed");
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

async function importMs(): Promise<number> {
  const startedMs = performance.now();
  if (subjectName === "bare") await import("./bare.ts");
  else if (subjectName === "nact") await import("nact");
  else await import("antiphon");
  return performance.now() - startedMs;
}

async function load(): Promise<Subject> {
  if (subjectName === "bare") return (await import("./subject/bare.ts")).subject;
  if (subjectName === "nact") return (await import("./subject/nact.ts")).subject;
  return (await import("./subject/antiphon.ts")).subject;
}

async function sample(): Promise<number> {
  if (rowName === "import") return importMs();
  const subject = await load();
  return rowName === "idle" ? bytesOf(subject.idle) : rateOf(subject[rowName]);
}

if (rows[rowName] === undefined) throw new Error(`No such row: ${rowName}.`);
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
