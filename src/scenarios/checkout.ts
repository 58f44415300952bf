// Checkout: one order service, six services behind it, four designs. The actors are the same in each; a design is
// data: which verb each edge is used with, and in which order the six are called.

import { styleText } from "node:util";
import { InvalidOption, type Ref, Refusal, type Reply, type Self, type System, type Verb } from "antiphon";
import {
  available,
  type Comparison,
  command,
  compare,
  draws,
  type Experiment,
  estimate,
  type Flags,
  figure,
  inBothWorlds,
  lognormal,
  poisson,
  positiveFlag,
  progress,
  readSeriesFile,
  replay,
  type Series,
  seriesNotes,
  wholeFlag,
} from "antiphon/lab";
import { claims } from "./checkout-claims.ts";

// --- the story: what the actors do -------------------------------------------------------------------------------

/** Mean times of the work in ms; each is drawn lognormal with cv 0.5. */
const services = { payment: 120, inventory: 40, shipping: 60, email: 200, analytics: 30, fraud: 90 };
const orderMs = 20;
const cv = 0.5;
const hiccupMs = 5_000;
type Name = keyof typeof services;
const names = Object.keys(services) as Name[];

class Declined extends Refusal {
  readonly _tag = "Declined";
}
class OutOfStock extends Refusal {
  readonly _tag = "OutOfStock";
}
/** Who says no, and to which share of the orders. */
const refusals: { readonly [N in Name]?: { share: number; no: (order: Order) => Declined | OutOfStock } } = {
  payment: { share: 0.03, no: ({ id }) => new Declined(`the card for ${id} was declined`) },
  inventory: { share: 0.01, no: ({ id }) => new OutOfStock(`${id} is out of stock`) },
};

interface Order {
  readonly id: string;
}
interface Service {
  handle(order: Order): Reply<string, Declined | OutOfStock>;
}
interface Shop {
  place(order: Order): Reply<string, Declined | OutOfStock>;
}

/** Nobody gives up in this story, so that no design differs by its time limits. */
const within = "100h";

/** Draws by the order's id: the same order has the same luck in each design, and in both worlds. */
const service = (name: Name, { hiccup, emailMs = services.email }: Conditions) => {
  const time = lognormal({ mean: name === "email" ? emailMs : services[name], cv });
  const refusal = refusals[name];
  return (self: Self): Service => ({
    async handle(order) {
      const draw = draws(self, order.id);
      const workMs = time(draw);
      const isRefused = draw() < (refusal?.share ?? 0);
      const hangs = name === "email" && draw() < hiccup;
      await self.sleep(workMs + (hangs ? hiccupMs : 0));
      return isRefused && refusal !== undefined ? refusal.no(order) : order.id;
    },
  });
};

const shop = (design: Design, refs: Readonly<Record<Name, Ref<Service>>>) => {
  const time = lognormal({ mean: orderMs, cv });
  return (self: Self): Shop => ({
    async place(order) {
      await self.sleep(time(draws(self, order.id)));
      for (const stage of design.stages) {
        await Promise.all(
          stage.map((name) => self.via(design[name], refs[name], { key: order.id, within }).handle(order)),
        );
      }
      return order.id;
    },
  });
};

// --- the designs -------------------------------------------------------------------------------------------------

/** The verb of each edge; then the stages, one after the other, the services of a stage at once. */
interface Design extends Readonly<Record<Name, Verb>> {
  readonly stages: readonly (readonly Name[])[];
}

const all = (verb: Verb) => Object.fromEntries(names.map((name) => [name, verb])) as Record<Name, Verb>;
const inSeries = names.map((name) => [name]);
const designs = {
  D1: { ...all("ask"), stages: inSeries },
  D2: { ...all("ask"), stages: [names] },
  D3: {
    ...all("tell"),
    payment: "ask",
    inventory: "ask",
    stages: [["payment"], ["inventory"], ["shipping", "email", "analytics", "fraud"]],
  },
  D4: { ...all("tell"), stages: [names] },
} satisfies Record<string, Design>;
const says: Readonly<Record<string, string>> = {
  D1: "asks all six, one after the other",
  D2: "asks all six at once",
  D3: "asks payment, then inventory, and tells the other four",
  D4: "says yes, then tells all six",
};

// --- the experiment ----------------------------------------------------------------------------------------------

/** What differs between runs, beside the design. */
interface Conditions {
  /** The share of e-mails that take five seconds more. */
  readonly hiccup: number;
  readonly emailMs?: number;
  /** How many messages a service handles at a time; enough not to queue by default. */
  readonly slots?: Readonly<Record<string, number>>;
}

const availability = 0.999;
const faults = [...names, "shop"].map((target) => available(availability, { target, back: "1s" }));

/** The same names in each design: keyed draws depend on the seed, an actor's path and the key, and on nothing else. */
function start(conditions: Conditions) {
  const concurrency = (name: string) => conditions.slots?.[name] ?? Number.POSITIVE_INFINITY;
  return ({ system }: { readonly system: System }, design: Design): Ref<Shop> => {
    const refs = Object.fromEntries(
      names.map((name) => [
        name,
        system.spawn(service(name, conditions), { name, concurrency: concurrency(name), mailbox: { capacity: 1e6 } }),
      ]),
    ) as Record<Name, Ref<Service>>;
    return system.spawn(shop(design, refs), { name: "shop", concurrency: concurrency("shop") });
  };
}

const request: Experiment<Design, Shop>["request"] = (caller, entry, index) => {
  const id = `o${index + 1}`;
  return caller.ask(entry, { key: id, within }).place({ id });
};

function experiment({ seed, load, chosen, hiccup, slots, claimed }: Settings): Experiment<Design, Shop> {
  const few = poisson({ perSecond: 20, requests: claimed });
  const calm = { load: few, start: start({ hiccup: 0 }) };
  const isWhole = Object.keys(chosen).length === Object.keys(designs).length;
  return {
    seed,
    load,
    designs: chosen,
    faults,
    start: start({ hiccup, slots }),
    request,
    ...(isWhole && {
      variants: {
        calm,
        half: { ...calm, designs: { D1: designs.D1 }, start: start({ hiccup: 0, emailMs: services.email / 2 }) },
        told: { ...calm, designs: { D1: { ...designs.D1, email: "tell" } } },
      },
      claims: claims({ services, orderMs, availability, hiccup }),
    }),
  };
}

// --- the command -------------------------------------------------------------------------------------------------

const flags = {
  seed: { takes: "N", says: "of all draws; 7 by default" },
  orders: { takes: "N", says: "how many orders; 20,000 by default, live 100" },
  rate: { takes: "N", says: "orders per second; 20 by default" },
  hiccup: { takes: "N", says: "percent of e-mails that take 5 s more; 2, live 0" },
  slots: { takes: "email=10", says: "messages a service handles at a time; all by default" },
  design: { takes: "D1,D3", says: "only these; all four by default" },
  arrivals: { takes: "FILE.csv", says: "orders come as in this series: see below" },
  live: { says: "one design in real time, beside the same in virtual time" },
  json: { says: "one JSON object instead of the table" },
} as const;

const help = `What does each way to wait cost? One checkout, four designs, the same actors.

  npm start                                  20,000 orders in each design
  npm start -- --hiccup 0                    e-mail never hangs
  npm start -- --slots email=10              ten e-mails at a time: a queue
  npm start -- --arrivals requests.csv       your own traffic
  npm start -- --live --design D3            the same program in real time
  npm start --silent -- --json               for a program to read

A series has the columns timestamp,value; value = requests until the next row.`;

interface Settings {
  readonly seed: number;
  readonly load: Experiment<Design, Shop>["load"];
  readonly claimed: number;
  readonly series: Series | undefined;
  readonly chosen: Readonly<Record<string, Design>>;
  readonly hiccup: number;
  readonly slots: Readonly<Record<string, number>>;
}

async function readSettings(given: Flags<typeof flags>): Promise<Settings> {
  const { seed = "7", rate = "20", arrivals, design } = given;
  // In real time a hundred orders are all that fit, and one that hangs would hide what timers add.
  const { orders = given.live ? "100" : "20000", hiccup = given.live ? "0" : "2" } = given;
  const perSecond = positiveFlag("rate", rate, "20");
  const requests = wholeFlag("orders", orders, "20000");
  const series = arrivals === undefined ? undefined : await readSeriesFile(arrivals, { least: 0 });
  const percent = hiccup === "0" ? 0 : positiveFlag("hiccup", hiccup, "2", 100);
  return {
    seed: wholeFlag("seed", seed, "7", 0),
    load: series ? replay(series, { perSecond, seconds: requests / perSecond }) : poisson({ perSecond, requests }),
    claimed: Math.min(5_000, requests),
    series,
    chosen: choose(design ?? (given.live ? "D3" : Object.keys(designs).join())),
    hiccup: percent / 100,
    slots: readSlots(given.slots ?? ""),
  };
}

function choose(list: string): Record<string, Design> {
  const wanted = new Set(list.toUpperCase().split(/[ ,]+/));
  const chosen = Object.entries(designs).filter(([name]) => wanted.has(name));
  if (chosen.length === wanted.size) return Object.fromEntries(chosen);
  throw new InvalidOption("--design", list, "any of D1,D2,D3,D4, for example --design D1,D3");
}

function readSlots(list: string): Record<string, number> {
  const parts = list.split(/[ ,]+/).filter((part) => part !== "");
  return Object.fromEntries(
    parts.map((part) => {
      const [name = "", number = "", more] = part.split("=");
      if (more !== undefined || ![...names, "shop"].includes(name))
        throw new InvalidOption(
          "--slots",
          part,
          `a service and a number, for example --slots email=10 (${names.join()})`,
        );
      return [name, wholeFlag("slots", number, "email=10")];
    }),
  );
}

await command({
  flags,
  help,
  async run(given, interrupted) {
    const settings = await readSettings(given);
    if (given.live) return await runLive(settings, given.json ?? false);
    let share = 0;
    let known: () => Comparison | undefined = () => undefined;
    const clear = progress(
      process.stderr,
      () => `${Math.floor(share * 100)} % of the orders; Ctrl-C shows what is known`,
    );
    const show = (comparison: Comparison | undefined, isCut: boolean) =>
      comparison === undefined ? "Nothing is known yet." : print(settings, comparison, given.json ?? false, isCut);
    interrupted(() => {
      clear();
      return show(known(), true);
    });
    // Where there is no line to keep up to date, one says that it takes its time.
    if (!process.stderr.isTTY && settings.load.requests >= 10_000)
      process.stderr.write(
        `${figure(settings.load.requests)} orders in each design; Ctrl-C shows what is known so far\n`,
      );
    const comparison = await compare({
      ...experiment(settings),
      progress: (done, soFar) => {
        share = done;
        known = soFar;
      },
    });
    clear();
    return show(comparison, false);
  },
});

async function runLive(settings: Settings, asJson: boolean): Promise<string> {
  const names = Object.keys(settings.chosen);
  const [of = "D3"] = names;
  if (names.length > 1)
    throw new InvalidOption("--design", names.join(), "one design with --live, for example --design D3");
  const seconds = settings.load.lastsMs / 1000;
  process.stderr.write(`about ${figure(settings.load.requests)} orders in ${figure(seconds)} s of real time\n`);
  const { live, virtual, longer } = await inBothWorlds(experiment(settings), { of });
  if (asJson)
    return JSON.stringify({
      scenario: "checkout",
      world: "live",
      seed: settings.seed,
      design: of,
      live: live.edge.mean.value,
      virtual: virtual.edge.mean.value,
      longer: { mean: longer.value, interval: [longer.low, longer.high], unit: "ms" },
    });
  return [
    bold(`${of}: ${says[of]}.`),
    "Live and in virtual time, the same actors with the same draws:",
    "",
    `until answered, mean: ${estimate(live.edge.mean, "ms")} live, ${estimate(virtual.edge.mean, "ms")} in virtual time`,
    `order by order, live takes ${estimate(longer, "ms")} longer: its timers are late by 0 to 3 ms each`,
    `answered ok: ${live.requests.ok} live, ${virtual.requests.ok} in virtual time`,
  ].join("\n");
}

function print(settings: Settings, comparison: Comparison, asJson: boolean, isCut: boolean): string {
  return asJson ? jsonText(settings, comparison, isCut) : text(settings, comparison, isCut);
}

function jsonText({ series }: Settings, comparison: Comparison, interrupted: boolean): string {
  const arrivals = series && {
    file: series.name,
    rows: series.rows.length,
    ...series.counts,
    problems: series.problems.slice(0, 100),
  };
  const result = { scenario: "checkout", world: "sim", interrupted, arrivals, ...comparison.json() };
  const rounded = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
  return JSON.stringify(result, rounded, 2);
}

function text({ seed, load, series, hiccup }: Settings, comparison: Comparison, isCut: boolean): string {
  const [head, ...body] = comparison.table().split("\n");
  const shape = series ? `in the shape of ${series.name}` : "Poisson";
  const claimed = comparison.claims();
  return [
    bold("Checkout: what does each way to wait cost? The same actors in each design."),
    "",
    ...Object.keys(comparison.designs).map((name) => `  ${name}  ${says[name]}`),
    "",
    `${figure(load.requests)} orders in ${figure(load.lastsMs / 60_000)} minutes of virtual time, ${shape}, seed ${seed}.`,
    ...(series ? seriesNotes(series) : []),
    `E-mail takes 5 s more for ${figure(hiccup * 100)} % of the orders. Each service is out for 0.1 %:`,
    "who asks it then is turned away, what it is told waits until it is back.",
    ...(isCut ? ["Interrupted: known so far."] : []),
    "",
    bold(head!),
    ...body,
    "",
    ...(comparison.designs["D1"] && comparison.designs["D3"]
      ? [`Order by order, D3 answers ${estimate(comparison.paired("D3", "D1"), "ms")} earlier than D1.`]
      : []),
    "Times are of placed orders, from the moment an order was due. Refused are the",
    "declined and the out of stock: an answer, neither success nor failure.",
    `± and ranges hold with ${figure(comparison.level * 100)} %.`,
    ...(claimed === "" ? [] : ["", bold("What people say, and what was measured"), claimed]),
    "",
    "Next: --slots email=10 shows a queue; --live --design D3 the same in real time;",
    "docs/first-comparison.md your own services; --help.",
  ].join("\n");
}

function bold(text: string): string {
  return process.stdout.isTTY && !process.env["NO_COLOR"] ? styleText("bold", text) : text;
}
