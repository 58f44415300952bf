import { crc32 as zlibCrc } from "node:zlib";
import { createSystem, type Ref, type Self } from "antiphon";
import { powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { JournalCorrupt, JournalFailed, JournalLocked } from "../../../src/actors/broker/failure-journal.ts";
import { encodeGroup, encodeSnapshot, isFrame, readFrame, recordsOf, scan } from "../../../src/actors/broker/format.ts";
import { crc32 } from "../../../src/actors/broker/format-crc.ts";
import type { Journal, OpenJournal } from "../../../src/actors/broker/journal.ts";
import { type MemoryJournal, memoryJournal } from "../../../src/actors/broker/memory.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (found: Uint8Array | undefined): string | undefined => found && new TextDecoder().decode(found);
const texts = (journal: Journal): (string | undefined)[] => [...journal.recovered.records].map(text);

/** An actor that hands its journal out. */
const opener = (open: OpenJournal) => async (self: Self) => {
  const journal = await open(self);
  return {
    found: () => ({ snapshot: text(journal.recovered.snapshot), records: texts(journal) }),
    append: (records: readonly string[]) => journal.append(records.map(bytes)),
    compact: (snapshot: string) => journal.compact(bytes(snapshot)),
    close: () => journal.close(),
    stop: () => self.stop(),
    crash() {
      throw new Error("planted");
    },
  };
};

describe("crc32", () => {
  test("is that of zlib, at every length and alignment", () => {
    const data = Uint8Array.from({ length: 70 }, (_, i) => (i * 197 + 13) & 255);
    for (let from = 0; from < 5; from++)
      for (let to = from; to <= data.length; to++)
        expect(crc32(data, from, to)).toBe(zlibCrc(data.subarray(from, to)) >>> 0);
  });
});

describe("the format", () => {
  const file = (): Uint8Array => {
    const frames = [
      encodeGroup(4, 2, [bytes("one"), bytes(""), bytes("three")]),
      encodeSnapshot(5, 2, bytes("snap")),
      encodeGroup(6, 3, [bytes("four")]),
    ];
    return Uint8Array.from(frames.flatMap((frame) => [...frame]));
  };
  const contents = (found: ReturnType<typeof scan>) =>
    found.frames.map((frame) => (frame.kind === 2 ? text(frame.body) : [...recordsOf(frame)].map(text)));
  const all = [["one", "", "three"], "snap", ["four"]];

  test("gives back what was written", () => {
    expect(contents(scan("f", file()))).toEqual(all);
  });

  test("drops a last frame that was cut, at whatever byte, and nothing else", () => {
    const whole = file();
    for (let length = 0; length <= whole.length; length++) {
      const found = scan("f", whole.subarray(0, length));
      expect(contents(found)).toEqual(all.slice(0, found.frames.length));
      if (length === whole.length) expect(found.cutBytes).toBe(0);
    }
  });

  test("finds every byte that was changed, and says where", () => {
    for (let offset = 0; offset < file().length; offset++)
      for (const flip of [1, 128, 255]) {
        const damaged = file();
        damaged[offset] = (damaged[offset] as number) ^ flip;
        expect(() => scan("f", damaged), `offset ${offset}`).toThrow(JournalCorrupt);
      }
  });

  test("says what a file is that is not its own, and of a later version", () => {
    expect(() => scan("photo.jpg", bytes("\u00ffJFIF and more"))).toThrow(
      /photo\.jpg, offset 0.*expected 41 50 48.*foreign.*repair/,
    );
    const later = file();
    later[3] = 9;
    expect(() => scan("f", later)).toThrow(/found format version 9, expected 1: written by a later antiphon/);
  });

  test("finds a group that is missing", () => {
    const gap = [...encodeGroup(1, 1, [bytes("a")]), ...encodeGroup(3, 1, [bytes("c")])];
    expect(() => scan("f", Uint8Array.from(gap))).toThrow(/found group 3, expected 2/);
    const frame = readFrame(encodeGroup(7, 3, []));
    expect(isFrame(frame) && [frame.group, frame.opening]).toEqual([7, 3]);
  });
});

describe("memoryJournal", () => {
  const boot = (open: OpenJournal) => (system: { spawn: Self["spawn"] }) => system.spawn(opener(open), { name: "a" });

  test("keeps what was appended, and a snapshot in the place of what was before it", async () => {
    const journal = memoryJournal({ latency: "2ms" });
    await simulate({}, async ({ system, now }) => {
      const a = system.spawn(opener(journal.open), { name: "a" });
      await system.ask(a).append(["1", "2"]);
      expect(now()).toBe(4);
      await system.ask(a).append(["3"]);
      await system.ask(a).compact("123");
      await system.ask(a).append(["4"]);
      await system
        .ask(a)
        .crash()
        .catch(() => {});
      expect(await system.ask(a).found()).toEqual({ snapshot: "123", records: ["4"] });
    });
  });

  test("shares one flush among what came during the one before", async () => {
    const journal = memoryJournal({ latency: "10ms" });
    await simulate({}, async ({ system, now }) => {
      const a = system.spawn(opener(journal.open), { name: "a", concurrency: 10 });
      await system.ask(a).found();
      const began = now();
      const ends = await Promise.all(
        ["1", "2", "3"].map(async (one) => {
          await system.ask(a).append([one]);
          return now() - began;
        }),
      );
      expect(ends).toEqual([10, 20, 20]);
    });
  });

  test("keeps a prefix at a power failure, with all that was confirmed, whatever was torn", async () => {
    let kept = 0;
    let torn = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const journal = memoryJournal({ latency: "10ms" });
      const confirmed: string[] = [];
      await simulate(
        { seed, journals: [journal], boot: boot(journal.open), faults: [powerFailure({ at: 12 + (seed % 25) })] },
        async (world) => {
          const a = world.booted as Ref<Awaited<ReturnType<ReturnType<typeof opener>>>>;
          for (const one of ["1a", "2a", "3a"])
            void world.system
              .ask(a)
              .append([one, `${one}'`])
              .then(
                () => confirmed.push(one),
                () => {},
              );
          await world.run(100);
          const { records } = await world.system.ask(world.booted).found();
          expect(records.slice(0, 2 * confirmed.length)).toEqual(confirmed.flatMap((one) => [one, `${one}'`]));
          expect(records).toEqual(["1a", "1a'", "2a", "2a'", "3a", "3a'"].slice(0, records.length));
          expect(records.length % 2).toBe(0);
          if (records.length > 2 * confirmed.length) kept++;
          await world.system.ask(world.booted).append(["later"]);
          const { cutBytes, frames } = scan("content", journal.content);
          expect(cutBytes).toBe(0);
          torn += frames.length > records.length / 2 ? 1 : 0;
        },
      );
    }
    expect(kept).toBeGreaterThan(0);
    expect(torn).toBeGreaterThan(0);
  });

  test("fails when it is full, and takes nothing more until it is opened again", async () => {
    const journal = memoryJournal({ capacityBytes: 120 });
    await simulate({}, async ({ system }) => {
      const a = system.spawn(opener(journal.open), { name: "a" });
      await system.ask(a).append(["1"]);
      const failed = await system
        .ask(a)
        .append(["x".repeat(100)])
        .catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(JournalFailed);
      expect((failed as JournalFailed).retrySafe).toBe(true);
      expect((failed as Error).message).toMatch(/full.*120 fit/);
      await expect(system.ask(a).append(["2"])).rejects.toThrow(JournalFailed);
      await system
        .ask(a)
        .crash()
        .catch(() => {});
      await system.ask(a).append(["2"]);
      expect(scan("m", journal.content).frames.length).toBe(2);
    });
  });

  test("fails the appends that it is told to", async () => {
    const journal = memoryJournal({ fails: (append) => append === 2 });
    await simulate({}, async ({ system }) => {
      const a = system.spawn(opener(journal.open), { name: "a" });
      await system.ask(a).append(["1"]);
      await expect(system.ask(a).append(["2"])).rejects.toThrow(/append 2 was told to fail/);
    });
  });

  test("is not opened twice, but by the next incarnation of its actor, or once it is closed or its actor gone", async () => {
    const journal = memoryJournal();
    const system = createSystem({ report: false });
    const stop = { supervision: { onCrash: "stop" } } as const;
    const tried = (name: string) =>
      new Promise<unknown>((resolve) => {
        const watcher = (self: Self) => {
          const ref = self.spawn(
            async (own: Self) => {
              try {
                const opened = await opener(journal.open)(own);
                resolve(undefined);
                return opened;
              } catch (error) {
                resolve(error);
                throw error;
              }
            },
            { name, ...stop },
          );
          return { ref: () => ref };
        };
        system.spawn(watcher, { name: `over-${name}`, ...stop });
      });
    const a = system.spawn(opener(journal.open), { name: "a" });
    await system.ask(a).append(["1"]);
    const refused = await tried("b");
    expect(refused).toBeInstanceOf(JournalLocked);
    expect((refused as Error).message).toMatch(/^memory is open already: \/a has it/);
    await system
      .ask(a)
      .crash()
      .catch(() => {});
    expect(await system.ask(a).found()).toMatchObject({ records: ["1"] });
    await system.ask(a).close();
    await expect(system.ask(a).append(["2"])).rejects.toThrow(/closed it/);
    expect(await tried("c")).toBe(undefined);
    expect(await tried("d")).toBeInstanceOf(JournalLocked);
    await system.stop();
    const next = createSystem({ report: false });
    expect(await next.ask(next.spawn(opener(journal.open))).found()).toMatchObject({ records: ["1"] });
    await next.stop();
  });

  test("finds what was changed in its content, at every offset", async () => {
    const written = memoryJournal();
    await simulate({}, async ({ system }) => {
      const a = system.spawn(opener(written.open), { name: "a" });
      await system.ask(a).append(["1", "2"]);
      await system.ask(a).append(["3"]);
    });
    const opened = async (journal: MemoryJournal): Promise<unknown> => {
      const system = createSystem({ report: false });
      let outcome: unknown;
      const a = system.spawn(
        async (self: Self) => {
          try {
            const found = texts(await journal.open(self));
            outcome = found;
          } catch (error) {
            outcome = error;
          }
          return { done: () => outcome };
        },
        { name: "a" },
      );
      const result = await system.ask(a).done();
      await system.stop();
      return result;
    };
    expect(await opened(memoryJournal({ content: written.content }))).toEqual(["1", "2", "3"]);
    for (let offset = 0; offset < written.content.length; offset++) {
      const content = written.content.slice();
      content[offset] = (content[offset] as number) ^ 0x10;
      expect(await opened(memoryJournal({ content })), `offset ${offset}`).toBeInstanceOf(JournalCorrupt);
    }
  });

  test("has parts of its own, which fail with it", async () => {
    const journal = memoryJournal({ latency: 1 });
    expect(journal.part("x")).toBe(journal.part("x"));
    await simulate({}, async ({ system }) => {
      const x = system.spawn(opener(journal.part("x").open), { name: "x" });
      const y = system.spawn(opener(journal.part("y").open), { name: "y" });
      await Promise.all([system.ask(x).append(["x"]), system.ask(y).append(["y"])]);
      expect(scan("x", journal.part("x").content).frames.length).toBe(1);
      expect(journal.content.length).toBe(0);
    });
  });
});
