import { InvalidOption } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Exchange, sequenceMermaid, sequenceText } from "../../../src/runtime/observe/sequence.ts";

type Short = [atMs: number, kind: Exchange["kind"], from: string, to: string, label: string, more?: Partial<Exchange>];

const exchanges = (...all: Short[]): Exchange[] =>
  all.map(([atMs, kind, from, to, label, more], i) => ({ step: i + 1, atMs, kind, from, to, label, ...more }));

const drawn = (text: string) => `\n${text}\n`;

/** Two orders, of which the second is paid twice. */
const orders = exchanges(
  [0, "message", "/", "/client", 'buy "o1"'],
  [0, "message", "/client", "/till", "pay 5"],
  [0, "own", "/till", "/till", "timer tick"],
  [20, "reply", "/till", "/client", "5", { note: "lost on its way, as the fault drop said it would be, at step 4" }],
  [1000.12345, "message", "/client", "/till", "pay 5", { note: "again" }],
  [1000.12345, "fault", "/", "/till", "crash", { marked: true }],
  [1001, "reply", "/till", "/", "10"],
  [1001, "message", "/", "/till", "audit"],
  [1001, "message", "/till", "/till", "self"],
  [1001, "message", "/till", "/client", "notify", { marked: true, note: "one effect per order" }],
  [1001, "reply", "/client", "/till", "ok"],
);

describe("sequenceText", () => {
  test("draws messages, replies, events of one actor, faults, marks, notes, and the time where it changes", () => {
    expect(drawn(sequenceText(orders))).toBe(`
               outside        client       till
         0 ms     ├─ buy "o1" ─▶│           │
                  │             ├─ pay 5 ──▶│
                  │             │           │~timer tick~
        20 ms     │             │◀ - - - 5 -│                lost on its way, as the fault drop said
                  │             │           │                it would be, at step 4
  1000.123 ms     │             ├─ pay 5 ──▶│                again
×                 │             │           ✕ crash
      1001 ms     │◀- - - - - - │ - - - 10 -│
                  ├─ audit ─────┼──────────▶│
                  │             │           │↻ self
▸                 │             │◀─ notify ─┤                one effect per order
                  │             │- ok - - -▶│
`);
  });

  test("has no margin for marks where nothing is marked", () => {
    expect(drawn(sequenceText(exchanges([3, "message", "/a", "/b", "go"])))).toBe(`
      a       b
3 ms  ├─ go ─▶│
`);
  });

  test("gives a label all the columns that its arrow passes", () => {
    const text = sequenceText(
      exchanges(
        [0, "message", "/a", "/b", ""],
        [0, "message", "/b", "/c", ""],
        [0, "reply", "/c", "/a", "long answer"],
      ),
    );
    expect(drawn(text)).toBe(`
      a     b          c
0 ms  ├────▶│          │
      │     ├─────────▶│
      │◀- long answer -│
`);
  });

  test("cuts labels when that makes room for the columns", () => {
    const label = "reserve { sku: 'a mug with a very long name', count: 3, gift: true, for: 'somebody' }";
    const text = sequenceText(exchanges([0, "message", "/a", "/b", label], [0, "own", "/b", "/b", label]));
    expect(drawn(text)).toBe(`
      a                                            b
0 ms  ├─ reserve { sku: 'a mug with a very long… ─▶│
      │                                            │~reserve { sku: 'a mug with a very long…~
`);
  });

  test("is a list of steps when the columns do not fit", () => {
    expect(drawn(sequenceText(orders, { width: 62 }))).toBe(`
         0 ms   1  outside → client  buy "o1"
                2  client → till     pay 5
                3  till              ~timer tick~
        20 ms   4  till ⇢ client     5  lost on its way, as
                                     the fault drop said it
                                     would be, at step 4
  1000.123 ms   5  client → till     pay 5  again
×               6  till              ✕ crash
      1001 ms   7  till ⇢ outside    10
                8  outside → till    audit
                9  till → till       self
▸              10  till → client     notify  one effect per
                                     order
               11  client ⇢ till     ok
`);
  });

  test("keeps the end of a name that a list has no room for", () => {
    const far = exchanges([0, "message", "/north/warehouse/picker-1", "/south/warehouse/picker-1", "x".repeat(60)]);
    const third = exchanges([0, "own", "/south/depot/picker-1", "/", "y"]);
    expect(drawn(sequenceText([...far, ...third], { width: 60 }))).toBe(`
0 ms  1  …/picker-1 → …/picker-1  xxxxxxxxxxxxxxxxxxxxxxxxxx
                                  xxxxxxxxxxxxxxxxxxxxxxxxxx
                                  xxxxxxxx
      1  …/picker-1               ~y~
`);
  });

  test("names actors by their last segment where that is theirs alone, else by their path", () => {
    const [head = ""] = sequenceText(
      exchanges(
        [0, "message", "/", "/outside", ""],
        [0, "message", "/eu/till", "/us/till", ""],
        [0, "own", "/eu/mail", "/eu/mail", ""],
      ),
    ).split("\n");
    expect(head.trim().split(/\s+/)).toEqual(["outside", "/outside", "/eu/till", "/us/till", "mail"]);
  });

  test("gives no column to what an own event or a fault says it is from or to, beside its actor", () => {
    const [head] = sequenceText(exchanges([0, "own", "/a", "/x", ""], [0, "fault", "/y", "/b", ""])).split("\n");
    expect(head?.trim()).toMatch(/^a +b$/);
  });

  test("writes what has several lines in one, and no control characters", () => {
    const text = sequenceText(exchanges([0, "message", "/a", "/b", "one\n two\u001b[31m", { note: " three\n" }]));
    expect(text.split("\n")[1]).toBe("0 ms  ├─ one two [31m ─▶│  three");
  });

  test("draws a code point as one character", () => {
    const [, line] = sequenceText(exchanges([0, "message", "/a", "/b", "𝒙→𝒚"])).split("\n");
    expect(line).toBe("0 ms  ├─ 𝒙→𝒚 ─▶│");
  });

  test("is empty without exchanges", () => {
    expect(sequenceText([])).toBe("");
  });

  test.each([0, 59, 61.5, Number.NaN])("refuses a width of %d", (width) => {
    expect(() => sequenceText(orders, { width })).toThrow(InvalidOption);
  });

  const path = fc.constantFrom("/", "/a", "/shop/till", "/depot/till", "/depot/warehouse/picker-12", "/b/c");
  const words = (maxLength: number) => fc.string({ maxLength }).map((text) => text.replaceAll("~", ""));
  const exchange: fc.Arbitrary<Exchange> = fc.record({
    step: fc.nat(100_000),
    atMs: fc.constantFrom(0, 12, 0.125, 28_980_000),
    kind: fc.constantFrom("message", "reply", "own", "fault"),
    from: path,
    to: path,
    label: words(60),
    note: words(90),
    marked: fc.boolean(),
  });
  /** In a picture, and in a list. */
  const rows = [/[▶◀✕~↻]/u, /^[▸×]? *([\d.]+ ms)? +\d+ {2}\S/u];

  test("keeps to its width and draws each exchange once, as a picture or a list", () => {
    const seen = [0, 0];
    fc.assert(
      fc.property(
        fc.array(exchange, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 60, max: 160 }),
        (all, width) => {
          const lines = sequenceText(all, { width }).split("\n");
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
          const how = rows[1]!.test(lines[0]!) ? 1 : 0;
          seen[how]!++;
          expect(lines.filter((line) => rows[how]!.test(line))).toHaveLength(all.length);
        },
      ),
      { seed: 11, numRuns: 300 },
    );
    expect(Math.min(...seen)).toBeGreaterThan(30);
  });

  test("loses no letter of a note", () =>
    fc.assert(
      fc.property(exchange, fc.integer({ min: 60, max: 160 }), (one, width) => {
        const letters = (text: string) => text.replace(/[\s│]/gu, "");
        expect(letters(sequenceText([one], { width }))).toContain(letters(one.note ?? ""));
      }),
      { seed: 12, numRuns: 300 },
    ));
});

describe("sequenceMermaid", () => {
  test("has participants, arrows, dashed arrows and notes", () => {
    expect(drawn(sequenceMermaid(orders))).toBe(`
sequenceDiagram
  participant p1 as outside
  participant p2 as client
  participant p3 as till
  p1->>p2: buy "o1"
  p2->>p3: pay 5
  Note over p3: ~timer tick~
  p3-->>p2: 5
  Note over p3,p2: lost on its way, as the fault drop said it would be, at step 4
  p2->>p3: pay 5
  Note over p2,p3: again
  Note over p3: × ✕ crash
  p3-->>p1: 10
  p1->>p3: audit
  p3->>p3: self
  p3->>p2: ▸ notify
  Note over p3,p2: one effect per order
  p2-->>p3: ok
`);
  });

  // Mermaid 12.3.0 read each of these back as the label that it was made of.
  test.each([
    ["a; b", "a#59; b"],
    ["#1", "#35;1"],
    ["two\nlines", "two lines"],
    ["the end", "the #101;nd"],
    ["End", "#69;nd"],
    ["endless, send", "endless, send"],
    ["100 %% sure %%{init: {}}%%", "100 #37;#37; sure #37;#37;{init: {}}#37;#37;"],
    ["a<br/>b", "a#60;br/>b"],
    ["$$x$$", "#36;#36;x#36;#36;"],
    ["wrap: a", "wrap#58; a"],
    ["nowrap: a: b", "nowrap#58; a: b"],
    ["no wrap: a", "no wrap: a"],
    ['pay({ "a": [1] }) ->> b', 'pay({ "a": [1] }) ->> b'],
  ])("writes %o so that Mermaid takes it for text", (label, written) => {
    const lines = sequenceMermaid(exchanges([0, "message", "/a", "/b", label, { note: label }])).split("\n");
    expect(lines.slice(-2)).toEqual([`  p1->>p2: ${written}`, `  Note over p1,p2: ${written}`]);
  });

  test("escapes names, and quotes none: Mermaid would show the quotes", () => {
    const [, first, second] = sequenceMermaid(exchanges([0, "message", "/end", "/a;b", ""])).split("\n");
    expect([first, second]).toEqual(["  participant p1 as #101;nd", "  participant p2 as a#59;b"]);
  });

  test("is a diagram without exchanges, too", () => {
    expect(sequenceMermaid([])).toBe("sequenceDiagram");
  });
});
