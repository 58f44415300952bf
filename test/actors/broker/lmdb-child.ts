// A process that appends until it is killed. Each record is its number; what is confirmed is printed. It says first what
// it recovered. Bundled by the test, as starting with a loader takes longer than a round.

import { writeSync } from "node:fs";
import { createSystem, type Self } from "antiphon";
import { lmdbJournal } from "../../../src/actors/broker/lmdb.ts";

const [path = "", mode = "append"] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const writer = async (self: Self) => {
  const journal = await lmdbJournal(path)(self);
  let last = Number(new TextDecoder().decode(journal.recovered.snapshot ?? new Uint8Array(0)) || "0");
  for (const bytes of journal.recovered.records) {
    const n = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (n !== last + 1) say(`gap ${last} ${n}`);
    last = n;
  }
  say(`recovered ${last}`);
  const group = () =>
    Array.from({ length: 10 }, () => {
      const bytes = new Uint8Array(100);
      new DataView(bytes.buffer).setUint32(0, ++last);
      return bytes;
    });
  const loop = async (compacts: boolean) => {
    for (let round = 1; ; round++) {
      const records = group();
      const to = last;
      await journal.append(records);
      say(`confirmed ${to}`);
      if (compacts && round % 7 === 0) await journal.compact(new TextEncoder().encode(`${last}`));
      if (mode === "full" && round > 4_000) return say("never full");
    }
  };
  const failed = (error: unknown) => say(`failed ${(error as { code?: string }).code}`);
  if (mode !== "open") for (let i = 0; i < 4; i++) loop(i === 0 && mode === "append").catch(failed);
  return { idle: () => {} };
};

const system = createSystem({
  report: (event) => {
    if (event.kind === "crashed") say(`crashed ${String(event.reason)}`);
  },
});
system.spawn(writer, { name: "writer", supervision: { onCrash: "stop" } });
if (mode === "open") process.stdin.resume();
