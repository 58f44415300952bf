// Checkout: one order service, six services behind it, four designs. The actors are the same in each; a design is
// data that says in which order the six are called and how long the order service waits for each of them.

import { styleText } from "node:util";
import {
  createSystem,
  InvalidOption,
  type Ref,
  Refusal,
  type Reply,
  type Self,
  type SystemEvent,
  settle,
  type Verb,
} from "antiphon";
import {
  command,
  draws,
  type Flags,
  figure,
  type Load,
  lognormal,
  poisson,
  positiveFlag,
  progress,
  readSeriesFile,
  replay,
  seriesNotes,
  summary,
  table,
  wholeFlag,
} from "antiphon/lab";

// --- the story: what the actors do -------------------------------------------------------------------------------

/** Mean times of the work in ms; each is drawn lognormal with cv 0.5. */
const services = { payment: 120, inventory: 40, shipping: 60, email: 200, analytics: 30, fraud: 90 };
const orderMs = 20;
const cv = 0.5;
type Name = keyof typeof services;

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

const service = (name: Name, ledger: Ref<Ledger>) => {
  const time = lognormal({ mean: services[name], cv });
  const refusal = refusals[name];
  return (self: Self): Service => ({
    async handle(order) {
      const draw = draws(self, order.id);
      const drawnMs = time(draw);
      const refused = refusal !== undefined && draw() < refusal.share;
      await self.sleep(drawnMs);
      self.tell(ledger).worked({ order: order.id, by: name, drawnMs, refused, atMs: self.now() });
      return refused ? refusal.no(order) : order.id;
    },
  });
};

const shop = (design: Design, refs: Readonly<Record<Name, Ref<Service>>>, ledger: Ref<Ledger>) => {
  const time = lognormal({ mean: orderMs, cv });
  return (self: Self): Shop => ({
    async place(order) {
      const drawnMs = time(draws(self, order.id));
      await self.sleep(drawnMs);
      self.tell(ledger).worked({ order: order.id, by: "shop", drawnMs, refused: false, atMs: self.now() });
      for (const stage of design.stages) {
        await Promise.all(
          stage.map((name) => self.via(design.verbs[name], refs[name], { key: order.id, within }).handle(order)),
        );
      }
      return order.id;
    },
  });
};

/** Sends the orders when they are due and never waits for an answer before the next. */
const customers = (load: Load, entry: Ref<Shop>, ledger: Ref<Ledger>) => (self: Self) => {
  async function buy(id: string, dueMs: number): Promise<void> {
    self.tell(ledger).sent({ order: id, dueMs });
    const answer = await settle(self.ask(entry, { key: id, within }).place({ id }));
    const outcome = answer.ok ? "placed" : (noes[answer.error._tag] ?? "failed");
    self.tell(ledger).answered({ order: id, outcome, atMs: self.now() });
  }
  return {
    async run() {
      const startMs = self.now();
      const answers: Promise<void>[] = [];
      for (const atMs of load.times(() => self.random())) {
        const dueMs = startMs + atMs;
        const earlyMs = dueMs - self.now();
        if (earlyMs > 0) await self.sleep(earlyMs);
        answers.push(buy(`o${answers.length + 1}`, dueMs));
      }
      await Promise.all(answers);
    },
  };
};

// --- the designs -------------------------------------------------------------------------------------------------

interface Design {
  readonly name: string;
  readonly says: string;
  /** One stage after the other; the services of a stage at once. */
  readonly stages: readonly (readonly Name[])[];
  readonly verbs: Readonly<Record<Name, Verb>>;
}

const names = Object.keys(services) as Name[];
const all = (verb: Verb) => Object.fromEntries(names.map((name) => [name, verb])) as Record<Name, Verb>;
const designs: readonly Design[] = [
  { name: "D1", says: "asks all six, one after the other", stages: names.map((name) => [name]), verbs: all("ask") },
  { name: "D2", says: "asks all six at once", stages: [names], verbs: all("ask") },
  {
    name: "D3",
    says: "asks payment, then inventory, and tells the other four",
    stages: [["payment"], ["inventory"], ["shipping", "email", "analytics", "fraud"]],
    verbs: { ...all("tell"), payment: "ask", inventory: "ask" },
  },
  { name: "D4", says: "says yes, then tells all six", stages: [names], verbs: all("tell") },
];

// --- the measurement ---------------------------------------------------------------------------------------------

type Outcome = "placed" | "declined" | "outOfStock" | "failed";
/** Answers of no, by their tag. Any other failure is none. */
const noes: Readonly<Record<string, Outcome>> = { Declined: "declined", OutOfStock: "outOfStock" };

interface Answered {
  readonly order: string;
  readonly outcome: Outcome;
  readonly atMs: number;
}
interface Work {
  readonly order: string;
  readonly by: Name | "shop";
  readonly drawnMs: number;
  readonly refused: boolean;
  readonly atMs: number;
}
interface Trail {
  dueMs: number;
  answered: Answered | undefined;
  readonly work: Map<Name | "shop", Work>;
}

/** Keeps what happened to each order. An actor for those who write; read from outside as the object it is. */
class Ledger {
  readonly trails: Map<string, Trail> = new Map();

  sent({ order, dueMs }: { order: string; dueMs: number }): void {
    this.#trail(order).dueMs = dueMs;
  }
  answered(answered: Answered): void {
    this.#trail(answered.order).answered = answered;
  }
  worked(work: Work): void {
    this.#trail(work.order).work.set(work.by, work);
  }
  /** Made by whoever writes first: messages of different actors come in any order. */
  #trail(order: string): Trail {
    const trail = this.trails.get(order) ?? { dueMs: Number.NaN, answered: undefined, work: new Map() };
    this.trails.set(order, trail);
    return trail;
  }
}

async function run(design: Design, ledger: Ledger, { seed, speed, load }: Settings): Promise<void> {
  // The same names in each design: keyed draws depend on the seed, an actor's path and the key, and on nothing else.
  const system = createSystem({ name: "checkout", seed, speed, report });
  const book = system.spawn(() => ledger, { name: "ledger" });
  const many = { concurrency: Number.POSITIVE_INFINITY };
  const refs = Object.fromEntries(
    names.map((name) => [name, system.spawn(service(name, book), { name, ...many })]),
  ) as Record<Name, Ref<Service>>;
  const entry = system.spawn(shop(design, refs, book), { name: "shop", ...many });
  const crowd = system.spawn(customers(load, entry, book), { name: "customers" });
  await system.ask(crowd, { within }).run();
  await system.stop({ drain: within });
}

/** A no that nobody waits for is what D4 is about: the ledger counts it. Anything else should be seen. */
function report(event: SystemEvent): void {
  if (event.kind === "started" || event.kind === "ended") return;
  if (event.kind === "unheard" && event.reason instanceof Refusal) return;
  process.stderr.write(`${event.path}: ${event.kind} ${"reason" in event ? String(event.reason) : ""}\n`);
}

type Bill = ReturnType<typeof bill>;

/** What one design cost. Times in story ms, over placed orders. */
function bill(design: Design, { trails }: Ledger) {
  const orders = { sent: trails.size, placed: 0, declined: 0, outOfStock: 0, failed: 0, waiting: 0 };
  const edge: number[] = [];
  const timerError: number[] = [];
  const unfinished: number[] = [];
  const doneAfter: number[] = [];
  let refusedLater = 0;
  for (const { dueMs, answered, work } of trails.values()) {
    orders[answered?.outcome ?? "waiting"]++;
    if (answered?.outcome !== "placed") continue;
    const drawn = (name: Name) => (design.verbs[name] === "ask" ? work.get(name)!.drawnMs : 0);
    const path = design.stages.map((stage) => Math.max(...stage.map(drawn)));
    const after = names.map((name) => (work.get(name)?.atMs ?? Number.POSITIVE_INFINITY) - answered.atMs);
    edge.push(answered.atMs - dueMs);
    timerError.push(answered.atMs - dueMs - path.reduce((sum, ms) => sum + ms, work.get("shop")!.drawnMs));
    unfinished.push(after.filter((ms) => ms > 0).length);
    if (Math.max(...after) < Number.POSITIVE_INFINITY) doneAfter.push(Math.max(0, ...after));
    if (names.some((name) => work.get(name)?.refused)) refusedLater++;
  }
  const ms = (samples: number[]) => {
    const { mean, quantile } = summary(samples);
    return { mean, p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), unit: "ms" };
  };
  return {
    name: design.name,
    says: design.says,
    orders,
    edge: ms(edge),
    timerError: { mean: summary(timerError).mean, unit: "ms" },
    behind: { unfinished: { mean: summary(unfinished).mean, unit: "calls" }, doneAfter: ms(doneAfter), refusedLater },
  };
}

// --- the command -------------------------------------------------------------------------------------------------

const flags = {
  speed: { takes: "N", says: "how many times faster the clock runs; 2 by default" },
  seed: { takes: "N", says: "of all draws; 7 by default" },
  orders: { takes: "N", says: "how many orders; 400 by default" },
  seconds: { takes: "N", says: "or for how many story seconds orders come" },
  rate: { takes: "N", says: "orders per story second; 20 by default" },
  design: { takes: "D1,D3", says: "only these; all four by default" },
  arrivals: { takes: "FILE.csv", says: "orders come as in this series: see below" },
  json: { says: "one JSON object instead of the table" },
} as const;

const help = `What does each way to wait cost? One checkout, four designs, the same actors.

  npm start                                  400 orders in each design, 10 s
  npm start -- --speed 1                     in real time: half the timer error
  npm start -- --design D1,D3 --seconds 60   two designs, a minute of orders
  npm start -- --arrivals requests.csv       your own traffic, shown in 20 s
  npm start --silent -- --json               for a program to read

Story time is what the actors see: --speed seconds of it to a real one.
A series has the columns timestamp,value; value = requests until the next row.`;

type Settings = Awaited<ReturnType<typeof readSettings>>;

async function readSettings(given: Flags<typeof flags>) {
  const { speed = "2", seed = "7", rate = "20", orders = "400", seconds, arrivals } = given;
  if (given.orders && seconds) throw new InvalidOption("arguments", "--orders and --seconds", "one of them");
  const perSecond = positiveFlag("rate", rate, "20");
  const requests = wholeFlag("orders", orders, "400");
  const lasts = seconds === undefined ? requests / perSecond : positiveFlag("seconds", seconds, "20");
  const series = arrivals === undefined ? undefined : await readSeriesFile(arrivals, { least: 0 });
  return {
    speed: positiveFlag("speed", speed, "2", 1000),
    seed: wholeFlag("seed", seed, "7", 0),
    load: series
      ? replay(series, { perSecond, seconds: lasts })
      : poisson({ perSecond, ...(seconds === undefined ? { requests } : { seconds: lasts }) }),
    series,
    chosen: given.design === undefined ? designs : choose(given.design),
    json: given.json ?? false,
  };
}

function choose(list: string): Design[] {
  const wanted = new Set(list.toUpperCase().split(/[ ,]+/));
  const chosen = designs.filter(({ name }) => wanted.has(name));
  if (chosen.length === wanted.size) return chosen;
  throw new InvalidOption("--design", list, "any of D1,D2,D3,D4, for example --design D1,D3");
}

await command({
  flags,
  help,
  async run(given, interrupted) {
    const settings = await readSettings(given);
    const { chosen, load, speed } = settings;
    const runs = chosen.map((design) => ({ design, ledger: new Ledger() }));
    const bills = () => runs.map(({ design, ledger }) => bill(design, ledger));
    const answered = ({ name, orders }: Bill) => `${name} ${orders.sent - orders.waiting}`;
    const about = `about ${figure(load.requests)} orders`;
    const seconds = load.lastsMs / speed / 1000;

    const line = () => `answered of ${about}: ${bills().map(answered).join(", ")}`;
    const clear = seconds > 2 ? progress(process.stderr, line) : () => {};
    interrupted(() => {
      clear();
      return print(settings, bills(), true);
    });
    const say = (line: string) => seconds > 2 && !process.stderr.isTTY && process.stderr.write(`${line}\n`);
    say(`${about} in ${figure(seconds)} s; Ctrl-C shows what is known so far`);
    await Promise.all(
      runs.map(async ({ design, ledger }) => {
        await run(design, ledger, settings);
        say(`orders answered in ${answered(bill(design, ledger))}`);
      }),
    );
    clear();
    return print(settings, bills(), false);
  },
});

function print(settings: Settings, bills: readonly Bill[], interrupted: boolean): string {
  return settings.json ? asJson(settings, bills, interrupted) : asText(settings, bills, interrupted);
}

function asJson({ seed, speed, load, series }: Settings, bills: readonly Bill[], interrupted: boolean): string {
  const arrivals = series && {
    file: series.name,
    rows: series.rows.length,
    ...series.counts,
    problems: series.problems.slice(0, 100),
  };
  const result = { scenario: "checkout", world: "live", seed, speed, interrupted, load, arrivals, designs: bills };
  const rounded = (_: string, value: unknown) => (typeof value === "number" ? Math.round(value * 1000) / 1000 : value);
  return JSON.stringify(result, rounded, 2);
}

function asText({ seed, speed, load, series }: Settings, bills: readonly Bill[], interrupted: boolean): string {
  const row = (label: string, cell: (bill: Bill) => number) => [label, ...bills.map((each) => figure(cell(each)))];
  const [head, ...body] = table([
    ["", ...bills.map(({ name }) => name)],
    row("orders placed", ({ orders }) => orders.placed),
    row("orders declined", ({ orders }) => orders.declined),
    row("orders out of stock", ({ orders }) => orders.outOfStock),
    row("orders failed", ({ orders }) => orders.failed),
    ...(interrupted ? [row("orders not answered yet", ({ orders }) => orders.waiting)] : []),
    row("until the answer, mean, ms", ({ edge }) => edge.mean),
    row("until the answer, p95, ms", ({ edge }) => edge.p95),
    row("  timer error in that mean, ms", ({ timerError }) => timerError.mean),
    row("calls unfinished at the answer, mean", ({ behind }) => behind.unfinished.mean),
    row("from the answer until all is done, mean, ms", ({ behind }) => behind.doneAfter.mean),
    row("placed, then declined or out of stock", ({ behind }) => behind.refusedLater),
  ]).split("\n");
  // Timers of a process that keeps up are late by about a millisecond of real time each.
  const late = bills.some(({ timerError }) => timerError.mean > 50 * speed);
  const regretted = bills.filter(({ behind }) => behind.refusedLater > 0);
  const shape = series ? `in the shape of ${series.name}` : "Poisson";
  return [
    bold("Checkout: what does each way to wait cost? The same actors in each design."),
    "",
    ...bills.map(({ name, says }) => `  ${name}  ${says}`),
    "",
    `About ${figure(load.requests)} orders in ${figure(load.lastsMs / 1000)} s of story time, ${shape}.`,
    ...(series ? seriesNotes(series) : []),
    `Live, the clock ${speed} times faster than real, seed ${seed}.${interrupted ? " Interrupted: known so far." : ""}`,
    "",
    bold(head!),
    ...body,
    "",
    "Times are story ms of placed orders, from the moment an order was due.",
    ...regretted.map(
      ({ name, orders, behind }) =>
        `${name} said yes to ${figure(orders.placed)} orders; ${figure(behind.refusedLater)} of them were then refused.`,
    ),
    ...(late ? ["The machine did not keep up with this: take a lower --speed or --rate."] : []),
    "",
    "Next: --speed 1 halves the timer error; --design D1,D3 --seconds 60; --help",
  ].join("\n");
}

function bold(text: string): string {
  return process.stdout.isTTY && !process.env["NO_COLOR"] ? styleText("bold", text) : text;
}
