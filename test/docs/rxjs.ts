// What docs/rxjs.md quotes and runs.

// #region search
import type { Self } from "antiphon";
import { asking, eventsOf, feed, stateful, stateOf, streaming, worldScheduler } from "antiphon/rxjs";
import { simulate } from "antiphon/sim";
import {
  concatMap,
  debounceTime,
  delay,
  distinctUntilChanged,
  filter,
  from,
  map,
  merge,
  min,
  of,
  switchMap,
  takeUntil,
  timer,
} from "rxjs";

const index = (self: Self) => ({
  async search(word: string) {
    self.signal.addEventListener("abort", () => console.log(`${self.now()} ms: gives up "${word}"`));
    await self.sleep("400ms");
    return `3 results for "${word}"`;
  },
});

const typing = (self: Self) => {
  const scheduler = worldScheduler(self);
  return from([
    [0, "m"],
    [100, "mu"],
    [600, "mug"],
    [900, "mugs"],
  ] as const).pipe(
    concatMap(([at, word]) => timer(at - self.now(), scheduler).pipe(map(() => word))),
    debounceTime(200, scheduler),
  );
};
// #endregion

// #region searching
const found = await simulate({ seed: 7 }, async ({ system, run }) => {
  const engine = system.spawn(index, { name: "index", concurrency: 10 });
  const results: string[] = [];
  system.spawn(
    (self: Self) => {
      typing(self)
        .pipe(
          distinctUntilChanged(),
          switchMap((word) => asking(self, engine, { within: "1s" }).search(word)),
        )
        .subscribe((result) => results.push(`${self.now()} ms: ${result}`));
      return {};
    },
    { name: "box" },
  );
  await run("5s");
  return results;
});
console.log(found.value);
// #endregion

// #region feed
class Cart {
  #items: readonly string[] = [];
  add(item: string) {
    this.#items = [...this.#items, item];
  }
  get items() {
    return this.#items;
  }
}

const cart = await simulate({ seed: 7 }, async ({ system, runUntilIdle }) => {
  const log: string[] = [];
  eventsOf(system)
    .pipe(filter(({ kind }) => kind === "started"))
    .subscribe(({ path }) => log.push(`started ${path}`));
  const ref = system.spawn(
    stateful(
      () => new Cart(),
      ({ items }) => items,
    ),
    { name: "cart", mailbox: { capacity: 1 } },
  );
  const watching = stateOf(system, ref).subscribe((items) => log.push(`in the cart: ${items.join(", ") || "nothing"}`));
  await runUntilIdle();
  const source = of("mug", "pan", "pot").pipe(delay(1_000, worldScheduler(system)));
  const fed = await feed(system, source, ref, "add");
  await runUntilIdle();
  watching.unsubscribe();
  return { fed, log };
});
console.log(cart.value);
// #endregion

// #region streaming
const shop = (ms: number, price: number) => (self: Self) => ({
  async price(what: string) {
    await self.sleep(ms);
    console.log(`${self.path} was asked for a ${what}`);
    return price;
  },
});

const cheapest = await simulate({ seed: 7 }, async ({ system }) => {
  const shops = [20, 30, 9_000].map((ms, n) => system.spawn(shop(ms, 10 - n), { name: `shop-${n}` }));
  const broker = system.spawn(
    streaming((self: Self) => ({
      best: (what: string) =>
        merge(...shops.map((one) => asking(self, one).price(what))).pipe(
          takeUntil(timer(1_000, worldScheduler(self, { by: "sleep" }))),
          min(),
        ),
    })),
    { name: "broker" },
  );
  return await system.ask(broker).best("mug");
});
console.log(cheapest.value);
// #endregion
