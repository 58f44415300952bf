// What docs/effect.md quotes and runs.

// #region inventory
import type { Ref } from "antiphon";
import { ask, contracted, effectful, run, tell, workload } from "antiphon/effect";
import { simulate } from "antiphon/sim";
import { Context, Data, Effect, Layer, Random, Schedule, Schema } from "effect";

class OutOfStock extends Data.TaggedError("OutOfStock")<{ readonly sku: string }> {}
class Unreachable extends Data.TaggedError("Unreachable")<{ readonly host: string }> {}

class Warehouse extends Context.Service<
  Warehouse,
  { readonly fetch: (sku: string) => Effect.Effect<number, Unreachable> }
>()("Warehouse") {}

class Inventory {
  readonly #left = new Map<string, number>();

  reserve(sku: string) {
    return Effect.gen({ self: this }, function* () {
      const { fetch } = yield* Warehouse;
      const left = this.#left.get(sku) ?? (yield* fetch(sku));
      if (left === 0) return yield* new OutOfStock({ sku });
      this.#left.set(sku, left - 1);
      return { sku, left: left - 1 };
    });
  }
}
// #endregion

// #region checkout
const mail = effectful(() => ({ send: (text: string) => Effect.log(text) }));

const checkout = (stock: Ref<Inventory>, mailer: Ref<{ send(text: string): Effect.Effect<void> }>) => ({
  buy: (sku: string) =>
    Effect.gen(function* () {
      const { left } = yield* ask(stock, { within: "10s" })
        .reserve(sku)
        .pipe(
          Effect.retry({
            while: ({ _tag }) => _tag === "Unreachable",
            schedule: Schedule.exponential("1 minute").pipe(Schedule.jittered, Schedule.upTo({ times: 20 })),
          }),
        );
      yield* tell(mailer).send(`your ${sku} is on its way, ${left} left`);
      return `bought a ${sku}`;
    }).pipe(Effect.catchTag("OutOfStock", ({ sku }) => Effect.succeed(`no ${sku} left`))),
});
// #endregion

// #region day
/** Away for its first ten tries; then it has one of everything. */
const flaky = Layer.sync(Warehouse, () => {
  let tries = 0;
  return {
    fetch: () =>
      Effect.suspend(() => (++tries <= 10 ? new Unreachable({ host: "warehouse" }) : Effect.succeed(1))).pipe(
        Effect.delay("2 seconds"),
      ),
  };
});

const day = () =>
  simulate({ seed: 7 }, async ({ system }) => {
    const stock = system.spawn(
      effectful(() => new Inventory(), { layer: flaky }),
      { name: "stock" },
    );
    const mailer = system.spawn(mail, { name: "mail" });
    const shop = system.spawn(
      effectful(() => checkout(stock, mailer)),
      { name: "shop" },
    );
    const sales = [];
    for (const sku of ["mug", "mug"]) sales.push(await system.ask(shop, { within: "30h" }).buy(sku));
    return { sales, hours: system.now() / 3_600_000 };
  });

const [first, again] = [await day(), await day()];
console.log(first.value);
console.log(`${first.steps} events, equal again: ${first.hash === again.hash}`);
// #endregion

// #region contract
const contract = { reserve: Schema.Struct({ sku: Schema.NonEmptyString, count: Schema.Int }), left: undefined };

const strict = contracted(
  contract,
  effectful(() => {
    let left = 3;
    return {
      reserve: ({ sku, count }: { sku: string; count: number }) =>
        count > left ? Effect.fail(new OutOfStock({ sku })) : Effect.sync(() => (left -= count)),
      left: () => left,
    };
  }),
);

const { value } = await simulate({ seed: 7 }, ({ system }) => {
  const stock = system.spawn(strict, { name: "stock" });
  const program = Effect.all([
    ask(stock).reserve({ sku: "", count: 1 }).pipe(Effect.flip),
    ask(stock).reserve({ sku: "mug", count: 9 }).pipe(Effect.flip),
    Random.next,
  ]);
  return run(system, program);
});
for (const error of value.slice(0, 2)) console.log(`${error}`);
console.log(Object.keys(workload(contract)));
// #endregion
