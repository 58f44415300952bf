// Queues on both journals with each codec, through restarts: what is written is read again, refused, or a dead letter.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSystem, type Ref, settle } from "antiphon";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type Codec, jsonCodec, msgpackCodec, type SchemaLike, validated } from "../../../src/actors/broker/codec.ts";
import { commit, deadLetters, inspect, pause, read, redrive, resume } from "../../../src/actors/broker/control.ts";
import { Undecodable } from "../../../src/actors/broker/failure-journal.ts";
import type { OpenJournal } from "../../../src/actors/broker/journal.ts";
import { lmdbJournal } from "../../../src/actors/broker/lmdb.ts";
import { memoryJournal } from "../../../src/actors/broker/memory.ts";
import { queue, store } from "../../../src/actors/broker/queue.ts";

interface Work {
  work(payload?: unknown): unknown;
}

const folder = mkdtempSync(join(tmpdir(), "antiphon-codecs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
const journals: Record<string, () => OpenJournal> = {
  memory: () => memoryJournal().open,
  lmdb: () => lmdbJournal(join(folder, `${++made}`)),
};
const msgpack = await msgpackCodec();
const codecs: Record<string, Codec> = { JSON: jsonCodec, MessagePack: msgpack };

/** A queue in a live system; it is stopped when `body` has ended, and its journal can be opened again. */
async function life(
  journal: OpenJournal,
  codec: Codec | undefined,
  body: (kit: {
    by: ReturnType<typeof createSystem>;
    q: Ref<Work>;
    /** What was handled so far, in its order. */
    seen: unknown[];
    /** Resolves when nothing waits any more. */
    settled(): Promise<void>;
  }) => Promise<void>,
  isolation: "share" | "clone" = "share",
): Promise<void> {
  const by = createSystem({ report: false, isolation });
  const seen: unknown[] = [];
  const q = by.spawn(
    queue((): Work => ({ work: (payload) => void seen.push(payload) }), { journal, codec, order: "all" }),
    { name: "q" },
  );
  const settled = async () => {
    for (;;) {
      const { ready, leased, scheduled } = (await inspect(by, q)).topics[0]!.subscriptions[0]!;
      if (ready + leased + scheduled === 0) return;
    }
  };
  try {
    await body({ by, q, seen, settled });
  } finally {
    await by.stop();
  }
}

const failure = async (work: Promise<unknown>) => {
  const result = await settle(work);
  return result.ok ? undefined : (result.error as Error & { reason?: string });
};

/** Reads all but texts that start with `bad`. */
const picky = (codec: Codec): Codec => ({
  encode: (value) => codec.encode(value),
  decode(bytes) {
    const value = codec.decode(bytes);
    if (String(value).startsWith("bad")) throw new Undecodable("planted");
    return value;
  },
});

const named: SchemaLike = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate(value) {
      const { name, count = 1 } = (value ?? {}) as { name?: unknown; count?: number };
      return typeof name === "string"
        ? { value: { name, count } }
        : { issues: [{ message: "no text", path: ["name"] }] };
    },
  },
};

const cases = Object.keys(journals).flatMap((kind) => Object.keys(codecs).map((name) => [kind, name] as const));

describe.each(cases)("a queue on the %s journal with %s", (kind, name) => {
  const codec = codecs[name] as Codec;
  const open = journals[kind] as () => OpenJournal;

  test("[G13 live] gives what its codec reads, at once and after a restart", async () => {
    const values =
      name === "JSON"
        ? fc.jsonValue({ noUnicodeString: false })
        : fc.anything({ withDate: true, withMap: true, withBigInt: true });
    const drawn = fc.sample(values, { seed: 41, numRuns: 60 }).map((value) => (value === undefined ? null : value));
    const due = drawn.map((value) => codec.decode(codec.encode(value)));
    const journal = open();
    await life(journal, codec, async ({ by, q, seen, settled }) => {
      for (const value of drawn.slice(0, 30)) await by.offer(q).work(value);
      await settled();
      expect(seen).toEqual(due.slice(0, 30));
      await pause(by, q);
      for (const value of drawn.slice(30)) await by.offer(q).work(value);
      await by.offer(q).work();
    });
    await life(journal, codec, async ({ by, q, seen, settled }) => {
      await resume(by, q);
      await settled();
      expect(seen).toEqual([...due.slice(30), undefined]);
    });
  });

  test("[G1 live] refuses what its codec can not write, and goes on", async () => {
    const journal = open();
    await life(journal, codec, async ({ by, q, seen, settled }) => {
      const refused = await failure(by.offer(q).work(() => {}));
      expect(refused).toMatchObject({ _tag: "NotAccepted", reason: "invalid", retrySafe: true });
      expect(await failure(commit(by, q, { state: { f: () => {} } }))).toMatchObject({ reason: "invalid" });
      await by.offer(q).work("good");
      await settled();
      expect(seen).toEqual(["good"]);
    });
  });

  test("[G1 live] keeps what it can not read any more among its dead letters, and handles it when it can again", async () => {
    const journal = open();
    await life(journal, codec, async ({ by, q }) => {
      await pause(by, q);
      for (const text of ["a", "bad 1", "b", "bad 2"]) await by.offer(q, { id: text }).work(text);
    });
    await life(journal, picky(codec), async ({ by, q, seen, settled }) => {
      await resume(by, q);
      await settled();
      expect(seen).toEqual(["a", "b"]);
      const dead = await deadLetters(by, q);
      expect(dead).toMatchObject([
        { id: "bad 1", reason: "undecodable", attempts: [{ error: "planted" }] },
        { id: "bad 2", reason: "undecodable" },
      ]);
      expect(dead.map(({ payload }) => codec.decode(payload as Uint8Array))).toEqual(["bad 1", "bad 2"]);
      // Still not: it is dead again, and not lost.
      expect(await redrive(by, q, { filter: { ids: ["bad 1"] } })).toBe(1);
      await settled();
      expect(await deadLetters(by, q)).toHaveLength(2);
    });
    await life(journal, codec, async ({ by, q, seen, settled }) => {
      expect(await redrive(by, q)).toBe(2);
      await settled();
      expect([...seen].sort()).toEqual(["bad 1", "bad 2"]);
      expect(await deadLetters(by, q)).toEqual([]);
    });
  });

  test("[G1 live] keeps what it can read and nobody can be given among its dead letters, and holds up nobody", async () => {
    const giving: Codec = {
      ...codec,
      decode(bytes) {
        const text = codec.decode(bytes);
        return text === "bad" ? { send: () => text } : text;
      },
    };
    await life(
      open(),
      giving,
      async ({ by, q, seen, settled }) => {
        for (const text of ["bad", "good"]) await by.offer(q, { id: text }).work(text);
        await settled();
        expect(seen).toEqual(["good"]);
        expect(await deadLetters(by, q)).toMatchObject([
          { id: "bad", reason: "undecodable", attempts: [{ code: "NOT_ISOLATED" }] },
        ]);
      },
      "clone",
    );
  });

  test("checks by a schema what comes in, and gives what the schema makes of it", async () => {
    const journal = open();
    await life(journal, validated(codec, named), async ({ by, q, seen, settled }) => {
      const refused = await failure(by.offer(q).work({ name: 7 }));
      expect(refused).toMatchObject({ _tag: "NotAccepted", reason: "invalid" });
      expect(refused?.message).toMatch(/schema of test refuses the value: name: no text/);
      await by.offer(q).work({ name: "x", other: 1 });
      await settled();
      expect(seen).toEqual([{ name: "x", count: 1 }]);
      await pause(by, q);
      await by.offer(q).work({ name: "y" });
    });
    const stricter = { "~standard": { ...named["~standard"], validate: () => ({ issues: [{ message: "never" }] }) } };
    await life(journal, validated(codec, stricter), async ({ by, q, settled }) => {
      await resume(by, q);
      await settled();
      expect(await deadLetters(by, q)).toMatchObject([{ reason: "undecodable" }]);
    });
  });

  test("keeps values of commits, each queue of a store with a codec of its own", async () => {
    const journal = open();
    for (const isFirst of [true, false]) {
      const by = createSystem({ report: false });
      const shared = by.spawn(store({ journal, codec }), { name: "store" });
      const seen: unknown[] = [];
      const to = by.spawn((): Work => ({ work: (payload) => void seen.push(payload) }), { name: "to" });
      const q = by.spawn(queue(to, { store: shared, codec: validated(codec, named) }), { name: "q" });
      if (isFirst) {
        await commit(by, q, { state: { last: ["any", 1] } });
        expect(await failure(by.offer(q).work("any"))).toMatchObject({ reason: "invalid" });
        await by.offer(q).work({ name: "x" });
      }
      expect(await read(by, shared, "last")).toEqual(["any", 1]);
      await inspect(by, q);
      await by.stop();
    }
  });
});

test("a codec without a journal is used all the same: a payload is copied, and checked", async () => {
  const by = createSystem({ report: false });
  const seen: unknown[] = [];
  const q = by.spawn(
    queue((): Work => ({ work: (payload) => void seen.push(payload) }), { codec: validated(jsonCodec, named) }),
    { name: "q" },
  );
  const mine = { name: "x" };
  await by.ask(q).work(mine);
  expect(seen).toEqual([{ name: "x", count: 1 }]);
  expect(await failure(by.ask(q).work(7))).toMatchObject({ _tag: "NotAccepted", reason: "invalid" });
  await by.stop();
});

test("a journal that no store has written is refused, and says what was found", async () => {
  const problems: unknown[] = [];
  const foreign = memoryJournal();
  const by = createSystem({ report: (event) => event.kind === "crashed" && problems.push(event.reason) });
  const writer = by.spawn(
    async (self) => {
      const journal = await foreign.open(self);
      return {
        write: () => journal.append([new TextEncoder().encode("something else")]),
        [Symbol.asyncDispose]: () => journal.close(),
      };
    },
    { name: "writer" },
  );
  await by.ask(writer).write();
  await by.stop();
  const again = createSystem({ report: (event) => event.kind === "crashed" && problems.push(event.reason) });
  const q = again.spawn(
    queue((): Work => ({ work() {} }), { journal: foreign.open }),
    {
      name: "q",
      supervision: { onCrash: "stop" },
    },
  );
  await failure(again.offer(q).work(1));
  expect(problems).toMatchObject([{ _tag: "RecoveryFailed", path: "/q", record: 1 }]);
  await again.stop();
});
