import type { Ref, Self } from "antiphon";
import { type Blast, blast, type Comparison, closed, type Radius } from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { orders, shopping } from "./shop.ts";

/** Service, how, design: the share that fails, and how long the others wait. */
const summed = ({ radii }: Blast) =>
  radii.map(({ service, how, design, fails, waits }: Radius) => [
    `${service} ${how}, ${design}`,
    fails.value,
    Number.isNaN(waits.value) ? "nobody is left" : waits.value,
  ]);

describe("blast", () => {
  test("says for each service who fails without it, and who waits when it is ten times as slow", async () => {
    const found = await blast(shopping());
    expect(summed(found)).toEqual([
      ["/stock down, wait", 1, "nobody is left"],
      ["/stock down, go", 1, "nobody is left"],
      ["/stock down, accept", 0, 0],
      ["/stock slow, wait", 0, 9 * 40],
      ["/stock slow, go", 0, 9 * 40],
      ["/stock slow, accept", 0, 0],
      ["/mail down, wait", 1, "nobody is left"],
      ["/mail down, go", 0, 0],
      ["/mail down, accept", 0, 0],
      ["/mail slow, wait", 0, 9 * 200],
      ["/mail slow, go", 0, 0],
      ["/mail slow, accept", 0, 0],
    ]);
    expect(found.table()).toBe(
      [
        "             wait               go               accept",
        "/stock down  83–100 % fail      83–100 % fail    go on",
        "/stock slow  wait 360 ± 0 ms    wait 360 ± 0 ms  go on",
        "/mail down   83–100 % fail      go on            go on",
        "/mail slow   wait 1,800 ± 0 ms  go on            go on",
      ].join("\n"),
    );
  });

  test("asks of those only that are answered ok otherwise", async () => {
    const found = await blast(
      shopping({ designs: { wait: { stock: "ask", mail: "ask" } } }, { soldOut: ["o3", "o5"] }),
    );
    expect(found.radii.map(({ fails, waits }) => [fails.count, fails.value, waits.count])).toEqual([
      [38, 1, 0],
      [38, 0, 38],
      [38, 1, 0],
      [38, 0, 38],
    ]);
  });

  test("goes down a chain as far as somebody waits", async () => {
    interface Link {
      pass(order: string): PromiseLike<string> | string;
    }
    const found = await blast({
      load: orders(10),
      designs: { chain: { first: "ask", second: "ask", third: "tell" } as const },
      start({ system }, design) {
        const end = (self: Self): Link => ({ pass: (order) => self.sleep(10).then(() => order) });
        const link =
          (verb: "ask" | "tell", next: Ref<Link>) =>
          (self: Self): Link => ({
            async pass(order) {
              await self.sleep(10);
              await self.via(verb, next, { key: order }).pass(order);
              return order;
            },
          });
        const many = { concurrency: Number.POSITIVE_INFINITY };
        const third = system.spawn(end, { name: "third", ...many });
        const second = system.spawn(link(design.third, third), { name: "second", ...many });
        const first = system.spawn(link(design.second, second), { name: "first", ...many });
        return system.spawn(link(design.first, first), { name: "entry", ...many });
      },
      request: (caller, entry, i) => caller.ask(entry, { key: `o${i}` }).pass(`o${i}`),
    });
    expect(summed(found)).toEqual([
      ["/first down, chain", 1, "nobody is left"],
      ["/first slow, chain", 0, 90],
      ["/second down, chain", 1, "nobody is left"],
      ["/second slow, chain", 0, 90],
      ["/third down, chain", 0, 0],
      ["/third slow, chain", 0, 0],
    ]);
  });

  test("takes a closed load, and keeps the faults that are there", async () => {
    const designs = { go: { stock: "ask", mail: "tell" } } as const;
    const load = closed({ users: 2, think: 10, requests: 20 });
    const faults = [{ kind: "slow", target: "/stock", times: 2 } as const];
    const found = await blast(shopping({ designs, load, faults }));
    expect(summed(found)).toEqual([
      ["/stock down, go", 1, "nobody is left"],
      ["/stock slow, go", 0, 10 * 40 - 2 * 40],
      ["/mail down, go", 0, 0],
      ["/mail slow, go", 0, 0],
    ]);
  });

  test("reports one progress for all its runs", async () => {
    const shares: number[] = [];
    const progress = (share: number, soFar: () => Comparison) => {
      shares.push(share);
      expect(soFar().judged).toEqual([]);
    };
    await blast(shopping({ load: orders(20), designs: { go: { stock: "ask", mail: "tell" } }, progress }));
    // One run of the design is half; then come it and its four variants.
    expect(new Set(shares)).toEqual(new Set([0, ...[0, 1, 2, 3, 4].map((run) => (1 + run / 5) / 2)]));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
  });
});
