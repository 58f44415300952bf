import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StoreEvent } from "../../../src/actors/broker/event.ts";
import { eventsOf, RecordWriter } from "../../../src/actors/broker/record-bytes.ts";
import { Parts, packed, Sealed } from "../../../src/actors/broker/sealed.ts";

/** Names come again; any text of units is one, also half a pair. */
const text = fc.oneof(fc.constantFrom("/q", "", "work"), fc.string({ unit: "binary" }), fc.constantFrom("\ud800", "é"));
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const number = fc.oneof(fc.constant(0), fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }));
/** JSON stays text until it is written: short or long, with and without what takes more than a byte. */
const json = fc
  .tuple(text, fc.constantFrom(0, 510, 600))
  .map(([said, more]) => JSON.stringify(`${said}${"a".repeat(more)}`));
const sealed = fc.oneof(fc.uint8Array(), json).map((as) => new Sealed(as));
const attempt = fc.record({
  ...{ attempt: fc.nat(), consumer: text, leasedAt: fc.nat(), endedAt: fc.nat(), code: text, error: text },
});
const history = fc.record({
  ...{ source: text, subscription: text, reason: fc.constant("expired" as const), firstAt: fc.nat(), lastAt: fc.nat() },
  ...{ attempts: fc.array(attempt, { maxLength: 2 }), redriveCount: fc.nat() },
});
const place = { topic: text, name: text, seq: number };
const events: fc.Arbitrary<readonly StoreEvent[]> = fc.array(
  fc.oneof(
    fc.record({
      ...{ kind: fc.constant("published" as const), topic: text, seq: number, id: text, type: text, at: number },
      ...{ key: maybe(text), tag: maybe(text), same: text, payload: maybe(sealed), notBefore: number },
      ...{
        expiresAt: number,
        sizeBytes: number,
        failures: number,
        priority: fc.double({ noNaN: true }).map((n) => n + 0),
      },
      ...{ to: maybe(fc.array(text)), history: maybe(history) },
    }),
    fc.record({ kind: fc.constant("leased" as const), ...place, at: number, consumer: text }),
    fc.record({
      ...{ kind: fc.constant("settled" as const), ...place },
      fate: fc.constantFrom("acked", "dead", "expired", "dropped" as const),
    }),
    fc.record({ kind: fc.constant("released" as const), ...place, notBefore: fc.nat() }),
    fc.record({
      kind: fc.constant("failed" as const),
      ...place,
      at: fc.nat(),
      notBefore: fc.nat(),
      code: text,
      error: text,
    }),
    fc.record({ kind: fc.constant("kept" as const), key: text, value: sealed }),
  ),
);

/** What is found again: bytes. */
const found = (event: StoreEvent): StoreEvent => {
  if (event.kind === "kept") return { ...event, value: new Sealed((event.value as Sealed).bytes) };
  if (event.kind !== "published" || !(event.payload instanceof Sealed)) return event;
  return { ...event, payload: new Sealed(event.payload.bytes) };
};

const recordOf = (told: readonly StoreEvent[], writer = new RecordWriter()): Uint8Array => {
  for (const event of told) writer.write(event);
  return writer.take();
};

describe("a record", () => {
  test("gives the events back that were written, whatever the writer wrote before", () => {
    void fc.assert(
      fc.property(fc.array(events.filter(({ length }) => length > 0)), (groups) => {
        const writer = new RecordWriter();
        for (const told of groups) {
          const record = recordOf(told, writer);
          expect([...eventsOf(record)]).toEqual(told.map(found));
        }
      }),
      { seed: 7 },
    );
  });

  test("that is cut is refused, unless whole events are missing", () => {
    void fc.assert(
      fc.property(
        events.filter(({ length }) => length > 0),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (told, part) => {
          const record = recordOf(told);
          let read: readonly StoreEvent[];
          try {
            read = [...eventsOf(record.subarray(0, Math.floor(part * record.length)))];
          } catch {
            return;
          }
          expect(read.length).toBeLessThan(told.length);
          expect(read).toEqual(told.slice(0, read.length).map(found));
        },
      ),
      { seed: 7 },
    );
  });

  test("of another version of the format is refused, naming both", () => {
    const former = packed({ v: 2, events: [] }, new Parts());
    expect(() => eventsOf(former)).toThrow("found version 2 of the format, expected 3");
    const later = Uint8Array.of(4, 255, 255, 255);
    expect(() => eventsOf(later)).toThrow("found version 4 of the format, expected 3");
  });
});
