// A shop with a stock and a mail whose times are constant, so that what a comparison finds in it is known exactly.

import { type Ref, Refusal, type Reply, type Self, type Verb } from "antiphon";
import { type Experiment, type Load, steady } from "antiphon/lab";

export interface Design {
  readonly stock: Verb;
  readonly mail: Verb;
}
interface Service {
  handle(order: string): Reply<string, SoldOut>;
}
export interface Shop {
  buy(order: string): Reply<string, SoldOut>;
}

export class SoldOut extends Refusal {
  readonly _tag = "SoldOut";
}

/** What a message takes, in ms, or how many slots there are. */
interface Each {
  readonly shop: number;
  readonly stock: number;
  readonly mail: number;
}
const timesMs: Each = { shop: 20, stock: 40, mail: 200 };

export const designs: { readonly [N in "wait" | "go" | "accept"]: Design } = {
  wait: { stock: "ask", mail: "ask" },
  go: { stock: "ask", mail: "tell" },
  accept: { stock: "tell", mail: "tell" },
};

/** Ten a second: in time for nobody to wait, if there are slots. */
export const orders = (requests: number): Load => steady({ perSecond: 10, requests });

interface Fitting {
  readonly soldOut?: readonly string[];
  readonly slots?: Partial<Each>;
  readonly ms?: Partial<Each>;
}

/** Forty orders, o0 to o39, each of which goes to the stock and then to the mail. */
export function shopping(
  more: Partial<Experiment<Design, Shop>> = {},
  { soldOut = [], slots = {}, ms = {} }: Fitting = {},
): Experiment<Design, Shop> {
  const takesMs = { ...timesMs, ...ms };
  const places = (name: keyof Each) => ({ name, concurrency: slots[name] ?? Number.POSITIVE_INFINITY });
  const service =
    (name: "stock" | "mail") =>
    (self: Self): Service => ({
      async handle(order) {
        await self.sleep(takesMs[name]);
        return name === "stock" && soldOut.includes(order) ? new SoldOut(`${order} is sold out`) : order;
      },
    });
  const shop =
    (design: Design, stock: Ref<Service>, mail: Ref<Service>) =>
    (self: Self): Shop => ({
      async buy(order) {
        await self.sleep(takesMs.shop);
        const o = { key: order, within: "1h" } as const;
        await self.via(design.stock, stock, o).handle(order);
        await self.via(design.mail, mail, o).handle(order);
        return order;
      },
    });
  return {
    load: orders(40),
    designs,
    start({ system }, design) {
      const stock = system.spawn(service("stock"), places("stock"));
      const mail = system.spawn(service("mail"), places("mail"));
      return system.spawn(shop(design, stock, mail), places("shop"));
    },
    request: (caller, entry, index) => caller.ask(entry, { key: `o${index}`, within: "1h" }).buy(`o${index}`),
    ...more,
  };
}
