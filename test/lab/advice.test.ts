import { type Advised, advice, available } from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { type Design, designs, orders, shopping } from "./shop.ts";

const given = ({ edges }: Advised) => Object.fromEntries(edges.map(({ edge, advice }) => [edge, advice]));
const reasons = ({ edges }: Advised) => Object.fromEntries(edges.map(({ edge, because }) => [edge, because]));
const { wait, go, accept } = designs;

describe("advice", () => {
  test("is to keep asking who may refuse, and to tell who is only slow", async () => {
    const found = await advice(shopping({}, { soldOut: ["o3"] }));
    expect(found.design).toBe("wait");
    expect(given(found)).toEqual({ stock: "keep ask", mail: "make tell" });
    expect(found.table()).toBe(
      [
        "edge   verb  advice     because",
        "stock  ask   keep ask   2.50 % would be told yes and then refused",
        "mail   ask   make tell  a tell is answered 200 ± 0 ms earlier",
      ].join("\n"),
    );
    const [stock, mail] = found.edges;
    expect(stock).toMatchObject({ verb: "ask", regrets: { value: 1 / 40 }, service: { path: "/stock", holdMs: 40 } });
    expect(mail).toMatchObject({ saves: { value: 200, low: 200, high: 200, count: 39 }, succeeds: { value: 0 } });
  });

  test("is to ask who refuses what it was told", async () => {
    const found = await advice(shopping({}, { soldOut: ["o3"] }), { of: "accept" });
    expect(given(found)).toEqual({ stock: "make ask", mail: "keep tell" });
    expect(reasons(found)).toEqual({
      stock: "2.50 % are told yes and then refused",
      mail: "an ask would cost 200 ± 0 ms",
    });
  });

  test("is to tell who can not always be reached: fewer fail", async () => {
    const faults = [available(0.8, { target: "mail" })];
    const found = await advice(shopping({ load: orders(200), faults }));
    const [, mail] = found.edges;
    expect(mail?.advice).toBe("make tell");
    expect(mail?.because).toMatch(/^a tell is answered 200 ± 0 ms earlier, and \d+ ± \d+ % fewer fail$/);
    expect(found.edges.map(({ succeeds }) => succeeds.value > 0)).toEqual([false, true]);
  });

  test("is to put a queue before who is told more than it can do", async () => {
    // One begins every 200 ms, and one comes every 100 ms from 60 ms on: the last waits for 7,900 ms.
    const found = await advice(shopping({ load: orders(80), designs: { go } }, { slots: { mail: 1 } }));
    const [, mail] = found.edges;
    expect(mail).toMatchObject({
      advice: "add a queue",
      service: {
        path: "/mail",
        handled: 80,
        holdMs: 200,
        mostWaiting: 40,
        waiting: (100 * 79 * 80) / 2 / (60 + 16_000),
      },
      saves: { value: 100 * 39.5 + 200 },
    });
    expect(mail?.because).toMatch(
      /^19\.7 wait for \/mail on average and 40 at most, each holds a slot for 200 ms; a tell is answered [\d,]+ ± [\d,]+ ms earlier$/,
    );
  });

  test("is to change nothing that a tell would not better", async () => {
    const free = { ms: { stock: 0 } };
    expect(reasons(await advice(shopping({ designs: { wait } }, free)))["stock"]).toBe("a tell would bring nothing");
    const offers = { offers: { stock: "offer", mail: "offer" } as const };
    expect(given(await advice(shopping({ designs: offers })))).toEqual({ stock: "keep offer", mail: "keep offer" });
  });

  test("flips each edge in turn, and leaves alone what is none", async () => {
    const seen: object[] = [];
    const plain = shopping();
    const found = await advice({
      ...plain,
      // A design may have the name of an edge.
      designs: { mail: { ...accept, retries: 3, note: "ask" } as Design, go },
      start(world, design) {
        seen.push(design);
        return plain.start(world, design);
      },
    });
    const others = { retries: 3 };
    expect(seen).toMatchObject([
      { stock: "tell", mail: "tell", ...others },
      { stock: "ask", mail: "tell", ...others },
      { stock: "tell", mail: "ask", ...others },
      { stock: "tell", mail: "tell", ...others },
    ]);
    expect(found.edges.map(({ edge, service }) => [edge, service?.path])).toEqual([
      ["stock", "/stock"],
      ["mail", "/mail"],
      ["note", undefined],
    ]);
    expect(found.edges[1]?.saves.value).toBe(200);
  });

  test("goes without the claims and variants of its experiment", async () => {
    const never = () => {
      throw new Error("was asked");
    };
    const claims = [{ id: "x", claim: "x", source: "x", checks: never }];
    const found = await advice(shopping({ claims, variants: { other: { start: never } }, load: orders(3) }));
    expect(found.edges).toHaveLength(2);
  });

  test.each([
    ["a design that is not there", {}, "nothing", "of"],
    ["a design without edges", { designs: { none: {} as Design } }, "none", "designs"],
    ["no designs", { designs: {} }, undefined, "of"],
  ])("refuses %s", async (_, more, of, option) => {
    const found = advice(shopping(more), of === undefined ? {} : { of });
    await expect(found).rejects.toMatchObject({ _tag: "InvalidOption", option });
  });
});
