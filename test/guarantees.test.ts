// The numbers of docs/guarantees.md against the names of all tests, both ways.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

/** The worlds in which each number is due. */
function promisesOf(page: string): Map<string, string[]> {
  const rows = page.matchAll(/^\| ([A-Z]\d+) \| .* \| ([a-z, ]+) \|$/gm);
  return new Map([...rows].map(([, number = "", worlds = ""]) => [number, worlds.split(", ")]));
}

/** What is promised and not tested, and what is tested and not promised. */
function gaps(page: string, names: readonly string[], worlds: readonly string[]): string[] {
  const promises = promisesOf(page);
  if (promises.size === 0) return ["the page promises nothing"];
  const promised = [...promises].flatMap(([number, due]) => due.map((world) => `[${number} ${world}]`));
  const tested = new Set(names.flatMap((name) => name.match(/\[[A-Z]\d+( \w+)?\]/g) ?? []));
  const due = promised.filter((mark) => worlds.some((world) => mark.endsWith(` ${world}]`)));
  return [
    ...due.filter((mark) => !tested.has(mark)).map((mark) => `no test of ${mark}`),
    ...[...tested].filter((mark) => !promised.includes(mark)).map((mark) => `no promise of ${mark}`),
  ].sort();
}

/** As vitest itself collects them: with every case of a table and every world of the conformance suite. */
async function namesOfTests(): Promise<string[]> {
  const list = ["node_modules/vitest/vitest.mjs", "list", "--json", "--no-isolate"];
  const { stdout } = await promisify(execFile)(process.execPath, list, { maxBuffer: 64 * 1024 * 1024 });
  return (JSON.parse(stdout.slice(stdout.indexOf("["))) as { name: string }[]).map(({ name }) => name);
}

const worlds = ["live", "sim"].filter((world) => {
  const room = `src/runtime/${world}`;
  return existsSync(room) && readdirSync(room).length > 0;
});

describe("docs/guarantees.md", () => {
  test("promises what the tests show, and the tests show what it promises", async () => {
    const names = await namesOfTests();
    expect(gaps(readFileSync("docs/guarantees.md", "utf8"), names, worlds)).toEqual([]);
  }, 60_000);

  test("has each number once, in every part of the design", () => {
    const page = readFileSync("docs/guarantees.md", "utf8");
    const rows = page.match(/^\| [A-Z]\d+ \|/gm) ?? [];
    expect(rows).toHaveLength(promisesOf(page).size);
    expect([...promisesOf(page).keys()].join(" ")).toBe(
      "D1 D2 D3 D4 D5 T1 T2 T3 T4 A1 A2 A3 A4 A5 A6 A7 F1 F2 F3 F4 F5 F6 S1 B1 W1 W2 X1 X2 X3 X4 " +
        "P1 P2 P3 P4 P5 P6 P7 P8 P9 P10 P11 P12 P13 P14 P15 P16 " +
        "G1 G2 G3 G4 G5 G6 G7 G8 G9 G10 G11 G12 G13 G14 " +
        "C1 C2 C3 C4 C5 C6",
    );
  });
});

describe("the check of the guarantees", () => {
  const page = [
    "| number | promise | worlds |",
    "| D1 | Order. | live |",
    "| W1 | Equality. | sim |",
    "| W2 | Draws. | live, sim |",
  ];
  const check = (names: string[], worlds: string[]) => gaps(page.join("\n"), names, worlds);

  test("is content when both sides agree", () => {
    expect(check(["tell > [D1 live] keeps order", "[W2 live] repeats"], ["live"])).toEqual([]);
    expect(check(["[D1 live] [W2 live]", "[W1 sim]", "[W2 sim]"], ["live", "sim"])).toEqual([]);
  });

  test("finds a promise without a test, in each world that exists", () => {
    expect(check(["[D1 live]"], ["live"])).toEqual(["no test of [W2 live]"]);
    expect(check(["[D1 live]", "[W2 live]"], ["live", "sim"])).toEqual(["no test of [W1 sim]", "no test of [W2 sim]"]);
  });

  test("finds a test without a promise: of no number, of another world, of none", () => {
    const names = ["[D1 live]", "[W2 live]", "[D9 live]", "[D1 sim]", "[D1]"];
    expect(check(names, ["live"])).toEqual(["no promise of [D1 sim]", "no promise of [D1]", "no promise of [D9 live]"]);
  });

  test("finds a page that promises nothing", () => {
    expect(gaps("# Empty", [], ["live"])).toEqual(["the page promises nothing"]);
  });
});
