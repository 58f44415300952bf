// W1: equal seeds, equal runs, whatever the host does meanwhile. The digests below are of Node 20.20 and 24.21
// on x64; another kind of processor has other last bits in the service times of the fixture. OTHER_NODE may name a second
// Node to run it on.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Ref, Self } from "antiphon";
import { type Simulation, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { digestOf, type MedleyOptions, medley } from "../../fixtures/medley.ts";

/** By how many simulations it is of. */
const known = { 20: "16ce2be5", 200: "fe6226c3" };

const onX64 = process.arch === "x64";
const seeds = Array.from({ length: 25 }, (_, i) => i + 1);

function texts({ trace, hash, value, leaks }: Simulation<unknown>): string {
  return [...trace.map((entry) => `${entry} ${entry.digest} ${entry.draws}`), hash, value, leaks.length].join("\n");
}

/** Keeps the host busy until it is called. */
function noise(): () => void {
  let isOver = false;
  const again = () => {
    if (!isOver) setImmediate(again);
  };
  again();
  const beat = setInterval(() => spend(Math.random() * 2), 1);
  return () => {
    isOver = true;
    clearInterval(beat);
  };
}

function spend(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Now and then a handler takes long, never the same ones. */
const burn = () => {
  if (Math.random() < 0.02) spend(1 + Math.random() * 9);
};

async function all(options: MedleyOptions): Promise<string[]> {
  const runs: string[] = [];
  for (const seed of seeds) runs.push(texts(await medley(seed, options)));
  return runs;
}

describe("two runs of a seed", () => {
  test("[W1 sim] have the same trace, entry by entry, and the same hash; other seeds have others", async () => {
    const runs = await all({});
    expect(await all({})).toEqual(runs);
    const hashes = await Promise.all(seeds.map(async (seed) => (await medley(seed)).hash));
    expect(hashes).not.toContain(undefined);
    expect(new Set(hashes).size).toBe(seeds.length);
  });

  test("[W1 sim] are the same on a busy host with slow handlers, and side by side", async () => {
    const runs = await all({});
    const quiet = noise();
    try {
      expect(await all({ burn })).toEqual(runs);
      expect((await Promise.all(seeds.map((seed) => medley(seed, { burn })))).map(texts)).toEqual(runs);
    } finally {
      quiet();
    }
  });

  test("[W1 sim] are the same whatever is kept of them, and in a strict run when no promise chain is left behind", async () => {
    for (const seed of seeds) {
      const { hash, value } = await medley(seed, { isPatient: true });
      expect(await medley(seed, { isPatient: true, strict: true })).toMatchObject({ hash, value, leaks: [] });
      expect(await medley(seed, { isPatient: true, trace: "hash" })).toMatchObject({ hash, value });
      expect(await medley(seed, { isPatient: true, trace: "off" })).toMatchObject({ value });
    }
  });
});

/** Synchronous actors that leave promise chains behind at each turn, for longer than the host waits for its own. */
function chains(spends: () => void): Promise<Simulation<number>> {
  return simulate({ seed: 3 }, async ({ system, run }) => {
    const crew: Ref<{ hear(): void }>[] = [];
    let heard = 0;
    for (const name of ["one", "two", "three"]) {
      const make = (self: Self) => {
        self.every(1 + self.random(), () => {
          spends();
          void (async () => {
            for (let hops = self.random() * 20; hops > 0; hops--) await null;
            self.tell(crew[Math.floor(self.random() * crew.length)]!).hear();
          })();
        });
        return { hear: () => void heard++ };
      };
      crew.push(system.spawn(make, { name }));
    }
    await run("2s");
    return heard;
  });
}

describe("a promise chain that is left behind", () => {
  test("[W1 sim] runs at the same place in every run, wherever the host has its turn", async () => {
    const quiet = await chains(() => {});
    expect(quiet.steps).toBeGreaterThan(3 * 2_048);
    expect(quiet.value).toBeGreaterThan(3_000);
    expect(quiet.leaks).toEqual([]);
    const end = noise();
    try {
      for (let i = 0; i < 2; i++)
        expect(texts(await chains(() => void (Math.random() < 0.01 && spend(1 + Math.random() * 19))))).toBe(
          texts(quiet),
        );
    } finally {
      end();
    }
  });
});

/** The digest of so many simulations in a process of its own. */
async function digestBy(node: string, flags: readonly string[], count: number): Promise<string> {
  const fixture = ["--import", "tsx", "test/fixtures/medley.ts", String(count)];
  const { stdout } = await promisify(execFile)(node, [...flags, ...fixture]);
  return stdout.trim();
}

describe.runIf(onX64)("the digest of two hundred simulations", () => {
  test("[W1 sim] is what it was when this was written", async () => {
    expect(await digestOf(20)).toBe(known[20]);
    expect(await digestOf(200)).toBe(known[200]);
  });

  test("[W1 sim] is the same in fresh processes, with another heap, and without a compiler", async () => {
    const node = process.execPath;
    const digests = [
      digestBy(node, ["--max-semi-space-size=1"], 200),
      digestBy(node, ["--max-semi-space-size=64", "--no-opt"], 20),
      digestBy(node, ["--jitless"], 20),
    ];
    expect(await Promise.all(digests)).toEqual([known[200], known[20], known[20]]);
  }, 60_000);

  const other = process.env["OTHER_NODE"];
  test.runIf(other)(
    "[W1 sim] is the same on another Node",
    async () => {
      expect(await digestBy(other ?? "", [], 200)).toBe(known[200]);
    },
    60_000,
  );
});
