// Times are constant and draws are keyed, so that nearly every number is known before.

import { type Ref, type Self, settle } from "antiphon";
import {
  available,
  type Comparison,
  closed,
  compare,
  down,
  type Interval,
  inBothWorlds,
  type Load,
  type Measured,
  poisson,
  slow,
} from "antiphon/lab";
import { describe, expect, test } from "vitest";
import { keyed } from "../../src/runtime/kernel/random.ts";
import { designs, orders, type Shop, SoldOut, shopping } from "./shop.ts";

/** One number of each design. */
function each<T>({ designs }: Comparison, of: (measured: Measured) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(designs).map(([name, measured]) => [name, of(measured)]));
}
const exactly = ({ value, low, high }: Interval) => (value === low && value === high ? value : [low, value, high]);
const service = (of: Measured | undefined, path: string) => of?.services.find((one) => one.path === path);
const failed = ({ outcomes }: Measured) => outcomes.flatMap(({ kind }, i) => (kind === "failed" ? [`o${i}`] : []));
const keys = (requests: number) => Array.from({ length: requests }, (_, i) => `o${i}`);
/** Whether a service is out for an order, by the rule of `available`. */
const isOut = (path: string, key: string, share: number, seed = 1) => keyed(seed, `unavailable ${path}`, key) < share;

/** Ten at one instant, of a load that is taken to last 660 ms: parts of the backlog are 11 ms. */
const burst: Load = { kind: "open", requests: 10, lastsMs: 660, times: () => new Array<number>(10).fill(0) };

describe("compare", () => {
  test("measures the same actors under each design", async () => {
    const found = await compare(shopping());
    expect(each(found, ({ edge }) => exactly(edge.mean))).toEqual({ wait: 260, go: 60, accept: 20 });
    expect(each(found, ({ edge }) => [edge.p50.value, edge.p95.value, edge.p99.value])).toEqual({
      wait: [260, 260, 260],
      go: [60, 60, 60],
      accept: [20, 20, 20],
    });
    expect(each(found, ({ slower }) => [slower(59).value, slower(60).value])).toEqual({
      wait: [1, 1],
      go: [1, 0],
      accept: [0, 0],
    });
    const all = { sent: 40, ok: 40, refused: 0, failed: 0, open: 0, tags: {} };
    expect(each(found, ({ requests }) => requests)).toEqual({ wait: all, go: all, accept: all });
    expect(found.designs["wait"]).toMatchObject({ entry: "/shop", success: { value: 1, high: 1, count: 40 } });
  });

  test("measures when all is done that is done for a request, whoever waits for it", async () => {
    const found = await compare(shopping());
    expect(each(found, ({ done }) => exactly(done))).toEqual({ wait: 260, go: 260, accept: 220 });
  });

  test("counts the messages of requests, and none of its own", async () => {
    const found = await compare(shopping());
    expect(each(found, ({ messages }) => messages)).toEqual({ wait: 3, go: 3, accept: 3 });
    expect(found.designs["go"]?.services.map(({ path, handled }) => [path, handled])).toEqual([
      ["/shop", 40],
      ["/stock", 40],
      ["/mail", 40],
    ]);
  });

  test("measures how long a message holds a slot: who waits holds one too, and who refuses", async () => {
    const found = await compare(shopping({}, { soldOut: ["o3", "o5"] }));
    expect(each(found, (of) => service(of, "/stock")?.holdMs)).toEqual({ wait: 40, go: 40, accept: 40 });
    // Two of forty orders end without a mail.
    const shop = each(found, (of) => service(of, "/shop")?.holdMs);
    expect(shop).toEqual({ wait: 250, go: 60, accept: 20 });
    // From the first order to the last mail.
    expect(service(found.designs["accept"], "/mail")?.busy).toBeCloseTo((40 * 200) / (3900 + 220), 12);
  });

  test("measures what waits for a slot", async () => {
    const fitting = { slots: { mail: 1 }, ms: { shop: 0, stock: 0 } };
    const found = await compare(shopping({ load: burst }, fitting));
    const lastsMs = 10 * 200;
    expect(each(found, ({ edge }) => edge.mean.value)).toEqual({ wait: 1100, go: 0, accept: 0 });
    expect(each(found, ({ done }) => done.value)).toEqual({ wait: 1100, go: 1100, accept: 1100 });
    for (const of of Object.values(found.designs)) {
      const mail = service(of, "/mail");
      expect(mail).toMatchObject({ handled: 10, holdMs: 200, busy: 1, mostWaiting: 9 });
      expect(mail?.waiting).toBe(((9 * 10) / 2) * (200 / lastsMs));
      // One begins at 0, 200, 400 ms and so on; what comes after the load belongs to its last part.
      const parts = Array.from({ length: 60 }, (_, part) => 9 - Math.floor((part * 11) / 200));
      expect(mail?.backlog).toEqual(parts);
      expect(service(of, "/stock")).toMatchObject({ mostWaiting: 0, waiting: 0 });
    }
  });

  test("takes refusals for answers, neither success nor failure; told ones are regretted", async () => {
    const found = await compare(shopping({}, { soldOut: ["o3", "o5"] }));
    const requests = { refused: 2, ok: 38, failed: 0, tags: { SoldOut: 2 } };
    expect(each(found, ({ requests }) => requests)).toMatchObject({
      wait: requests,
      go: requests,
      accept: { refused: 0, ok: 40, failed: 0, tags: {} },
    });
    expect(each(found, ({ success }) => [success.value, success.count])).toEqual({
      wait: [1, 38],
      go: [1, 38],
      accept: [1, 40],
    });
    expect(each(found, ({ regret }) => regret.value)).toEqual({ wait: 0, go: 0, accept: 2 / 40 });
    expect(found.designs["accept"]?.outcomes.flatMap(({ regretted }, i) => (regretted ? [i] : []))).toEqual([3, 5]);
  });

  test("does not take for regret what was refused to somebody who waited, and went on", async () => {
    const stock = () => ({ handle: (order: string) => new SoldOut(order) });
    const found = await compare({
      load: orders(5),
      designs: { wait: { stock: "ask" }, accept: { stock: "tell" } } as const,
      start({ system }, design) {
        const ref = system.spawn(stock, { name: "stock" });
        const shop = (self: Self) => ({
          async buy(order: string) {
            const o = { key: order };
            if (design.stock === "ask") await settle(self.ask(ref, o).handle(order));
            else self.tell(ref, o).handle(order);
            return order;
          },
        });
        return system.spawn(shop, { name: "shop" });
      },
      request: (caller, entry, i) => caller.ask(entry, { key: `o${i}` }).buy(`o${i}`),
    });
    expect(each(found, ({ requests, regret }) => [requests.ok, regret.value])).toEqual({
      wait: [5, 0],
      accept: [5, 1],
    });
  });
});

describe("compare, with faults", () => {
  test("has the same requests fail in each design", async () => {
    const faults = [available(0.8, { target: "stock" }), available(0.9, { target: "mail" })];
    const found = await compare(shopping({ load: orders(200), faults }));
    const stock = keys(200).filter((key) => isOut("/stock", key, 1 - 0.8));
    const mail = keys(200).filter((key) => isOut("/mail", key, 1 - 0.9));
    expect(stock.length * mail.length).toBeGreaterThan(0);
    const either = keys(200).filter((key) => stock.includes(key) || mail.includes(key));
    expect(each(found, failed)).toEqual({ wait: either, go: stock, accept: [] });
    expect(each(found, ({ success }) => success.value)).toEqual({
      wait: (200 - either.length) / 200,
      go: (200 - stock.length) / 200,
      accept: 1,
    });
    expect(found.designs["go"]?.requests.tags).toEqual({ Unavailable: stock.length });
    // What could not be told at once is done later.
    expect(each(found, (of) => service(of, "/mail")?.handled)).toEqual({
      wait: 200 - either.length,
      go: 200 - stock.length,
      accept: 200,
    });
  });

  test("can have all services out at times, the entry too, but never its own load", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const found = await compare(shopping({ seed, faults: [available(0.5)] }));
      const out = (paths: string[]) => keys(40).filter((key) => paths.some((path) => isOut(path, key, 0.5, seed)));
      expect(each(found, failed)).toEqual({
        wait: out(["/shop", "/stock", "/mail"]),
        go: out(["/shop", "/stock"]),
        accept: out(["/shop"]),
      });
    }
  });

  test("has requests of a window fail where they need the service, and others done after it", async () => {
    // Orders are due at 0, 100, 200 ms …, and come to the stock 20 ms later, to the mail 60 ms later.
    const faults = [down("mail", { from: 1000, to: "2s" })];
    const found = await compare(shopping({ faults }));
    const between = keys(40).slice(10, 20);
    expect(each(found, failed)).toEqual({ wait: between, go: [], accept: [] });
    const doneMs = (name: string, i: number) => found.designs[name]?.outcomes[i]?.doneMs;
    expect([9, 10, 19, 20].map((i) => doneMs("go", i))).toEqual([260, 2000 + 200 - 1000, 2000 + 200 - 1900, 260]);
  });

  test("has a slow service take longer", async () => {
    const found = await compare(shopping({ faults: [slow("/mail", { times: 3 })] }));
    expect(each(found, ({ edge, done }) => [edge.mean.value, done.value])).toEqual({
      wait: [660, 660],
      go: [60, 660],
      accept: [20, 620],
    });
  });

  test("has messages take time on links", async () => {
    const found = await compare(shopping({ latency: { "/shop>/mail": 5, "/mail>/shop": 7 } }));
    expect(each(found, ({ edge }) => exactly(edge.mean))).toEqual({ wait: 272, go: 60, accept: 20 });
  });
});

describe("a comparison", () => {
  test("compares request by request", async () => {
    const found = await compare(shopping({ faults: [down("mail", { to: 1000 })] }));
    // Over those that are answered in both.
    expect(found.paired("wait", "go")).toMatchObject({
      value: -200,
      low: -200,
      high: -200,
      count: 30,
      method: "pairs",
    });
    expect(found.paired("accept", "go")).toMatchObject({ value: 40, low: 40, high: 40, count: 40 });
    expect(found.paired("wait", "nothing of this name").count).toBe(0);
  });

  test("runs variants, which differ from it in what they say alone", async () => {
    const found = await compare(
      shopping({
        variants: {
          short: { load: orders(5) },
          slow: { faults: [slow("mail", { times: 2 })], designs: { only: designs.wait } },
        },
      }),
    );
    expect(Object.keys(found.results)).toEqual(["base", "short", "slow"]);
    expect(found.results["short"]?.["go"]).toMatchObject({ requests: { sent: 5 }, edge: { mean: { value: 60 } } });
    expect(Object.keys(found.results["slow"] ?? {})).toEqual(["only"]);
    expect(found.results["slow"]?.["only"]?.edge.mean.value).toBe(460);
    expect(found.designs["wait"]?.edge.mean.value).toBe(260);
    expect(found.paired("go", "accept", "short")).toMatchObject({ value: -40, count: 5 });
  });

  test("has further measures, each from a trial", async () => {
    const found = await compare(
      shopping({ measures: { longest: ({ outcomes }) => Math.max(...outcomes.map(({ doneMs }) => doneMs)) } }),
    );
    expect(each(found, ({ more }) => more)).toEqual({
      wait: { longest: 260 },
      go: { longest: 260 },
      accept: { longest: 220 },
    });
  });

  test("measures less of requests without a key: not what is done behind them", async () => {
    const request = (caller: Self, entry: Ref<Shop>, i: number) => caller.ask(entry).buy(`o${i}`);
    const found = await compare(shopping({ request: (caller, entry, i) => request(caller as Self, entry, i) }));
    expect(each(found, ({ edge, done }) => [edge.mean.value, done.count, done.value])).toEqual({
      wait: [260, 0, Number.NaN],
      go: [60, 0, Number.NaN],
      accept: [20, 0, Number.NaN],
    });
    expect(found.table()).not.toContain("until all done");
    expect(found.json()).toMatchObject({ designs: [{ done: { mean: null, interval: [null, null] } }, {}, {}] });
  });

  test("takes closed loads, by requests and by time", async () => {
    const load = closed({ users: 2, think: 100, requests: 30 });
    const found = await compare(shopping({ load }));
    expect(each(found, ({ requests, edge }) => [requests.ok, edge.mean.value])).toEqual({
      wait: [30, 260],
      go: [30, 60],
      accept: [30, 20],
    });
    // A round takes a user 360, 160 or 120 ms, and begins with thought.
    const timed = await compare(shopping({ load: closed({ users: 2, think: 100, seconds: 1 }) }));
    expect(each(timed, ({ requests }) => requests.sent)).toEqual({ wait: 6, go: 12, accept: 16 });
  });

  test("gives equal results for equal experiments", async () => {
    const drawn = (seed: number) =>
      compare(shopping({ seed, load: poisson({ perSecond: 20, requests: 100 }), faults: [available(0.9)] }));
    const [one, again, other] = [await drawn(3), await drawn(3), await drawn(4)].map((found) =>
      JSON.stringify(found.json()),
    );
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  test("reports its progress, and what is known so far, at the start of each design and in between", async () => {
    const known = new Map<number, string[]>();
    const progress = (share: number, soFar: () => Comparison) => {
      known.set(share, Object.keys(soFar().designs));
      expect(soFar().table()).toContain("wait");
      expect(soFar().judged).toEqual([]);
    };
    await compare(shopping({ progress, claims: [{ id: "x", claim: "x", source: "x", checks: () => [] }] }));
    expect([0, 1 / 3, 2 / 3].map((share) => known.get(share))).toEqual([
      ["wait"],
      ["wait", "go"],
      ["wait", "go", "accept"],
    ]);
  });

  test("has a progress that never falls, nor is more than all, however a load ends", async () => {
    const shares: number[] = [];
    const variants = {
      drawn: { load: poisson({ perSecond: 100, seconds: 10 }) },
      closed: { load: closed({ users: 5, think: 20, seconds: 10 }) },
    };
    await compare(shopping({ load: orders(1_000), variants, progress: (share) => shares.push(share) }));
    expect(shares.length).toBeGreaterThanOrEqual(9);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
  });

  test.each([
    ["no designs", { designs: {} }, "designs"],
    ["a fault that is none", { faults: [{ kind: "flood" } as never] }, "kind"],
    ["a level that is none", { level: 2 }, "level"],
    ["a variant without designs", { variants: { none: { designs: {} } } }, "designs"],
    ["a variant with the name of the experiment itself", { variants: { base: {} } }, "variants"],
  ])("refuses %s", async (_, more, option) => {
    await expect(compare(shopping(more))).rejects.toMatchObject({ _tag: "InvalidOption", option });
  });

  test("fails with what `start` and `request` throw", async () => {
    const thrown = new RangeError("no such shop");
    const throws = () => {
      throw thrown;
    };
    await expect(compare(shopping({ start: throws }))).rejects.toBe(thrown);
    await expect(compare(shopping({ request: throws }))).rejects.toBe(thrown);
    await expect(compare(shopping({ request: () => Promise.reject(thrown) }))).rejects.toBe(thrown);
  });
});

describe("inBothWorlds", () => {
  test("runs one design live and in virtual time, with the same draws, and pairs the requests", async () => {
    const drawn: Record<string, number>[] = [];
    const found = await inBothWorlds(
      {
        load: { kind: "open", requests: 20, lastsMs: 20, times: () => keys(20).map((_, i) => i) },
        designs: { only: {} },
        start({ system }) {
          const draws: Record<string, number> = {};
          drawn.push(draws);
          const shop = (self: Self) => ({
            async buy(order: string) {
              draws[order] = self.random(order);
              await self.sleep(1);
              return order;
            },
          });
          return system.spawn(shop, { name: "shop", concurrency: 20 });
        },
        request: (caller, entry, i) => caller.ask(entry, { key: `o${i}` }).buy(`o${i}`),
      },
      { of: "only" },
    );
    expect(drawn[0]).toEqual(drawn[1]);
    expect(Object.keys(drawn[0] ?? {})).toHaveLength(20);
    expect([found.live.requests, found.virtual.requests]).toMatchObject([{ ok: 20 }, { ok: 20 }]);
    expect(exactly(found.virtual.edge.mean)).toBe(1);
    expect(found.longer).toMatchObject({ count: 20, method: "pairs" });
    // A timer of Node's is never early by more than the last bit; how late it is depends on the machine.
    expect(found.longer.value).toBeGreaterThan(-1e-6);
    expect(found.longer.value).toBeLessThan(1000);
    expect(found.longer.value).toBeCloseTo(found.live.edge.mean.value - 1, 9);
  });

  test("refuses a design that is not there, and fails with what `start` throws", async () => {
    await expect(inBothWorlds(shopping(), { of: "nothing" })).rejects.toMatchObject({
      _tag: "InvalidOption",
      message: 'of: found "nothing", allowed is wait, go, accept.',
    });
    const thrown = new RangeError("no such shop");
    const start = () => {
      throw thrown;
    };
    await expect(inBothWorlds(shopping({ start }))).rejects.toBe(thrown);
  });
});
