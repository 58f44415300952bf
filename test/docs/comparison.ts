// What docs/first-comparison.md quotes and runs.

// #region actors
import { type Ref, Refusal, type Self, type Verb } from "antiphon";
import { advice, blast, compare, down, draws, type Experiment, lognormal, poisson } from "antiphon/lab";

class NoSeat extends Refusal {
  readonly _tag = "NoSeat";
}

/** Has a seat for 95 of 100. */
const seats = (self: Self) => {
  const time = lognormal({ mean: 30, cv: 0.5 });
  return {
    async take(id: string) {
      const draw = draws(self, id);
      await self.sleep(time(draw));
      return draw() < 0.95 ? id : new NoSeat(`no seat for ${id}`);
    },
  };
};

const mail = (self: Self) => {
  const time = lognormal({ mean: 250, cv: 1 });
  return { send: (id: string) => self.sleep(time(draws(self, id))) };
};
// #endregion

// #region designs
type Design = { readonly seats: Verb; readonly mail: Verb };

const wait: Design = { seats: "ask", mail: "ask" };
const go: Design = { seats: "ask", mail: "tell" };

interface Refs {
  readonly seats: Ref<ReturnType<typeof seats>>;
  readonly mail: Ref<ReturnType<typeof mail>>;
}

interface Booking {
  book(id: string): Promise<string>;
}

/** The same in each design: what differs is the verb. */
const booking =
  (design: Design, refs: Refs) =>
  (self: Self): Booking => ({
    async book(id: string) {
      await self.via(design.seats, refs.seats, { key: id }).take(id);
      await self.via(design.mail, refs.mail, { key: id }).send(id);
      return id;
    },
  });
// #endregion

// #region experiment
const experiment: Experiment<Design, Booking> = {
  seed: 7,
  load: poisson({ perSecond: 20, requests: 5_000 }),
  designs: { wait, go },
  start({ system }, design) {
    const refs = {
      seats: system.spawn(seats, { name: "seats", concurrency: 100 }),
      mail: system.spawn(mail, { name: "mail", concurrency: 100 }),
    };
    return system.spawn(booking(design, refs), { name: "booking", concurrency: 100 });
  },
  request: (caller, entry, i) => caller.ask(entry, { key: `b${i}` }).book(`b${i}`),
};
// #endregion

const [part = "compare"] = process.argv.slice(2);

if (part === "compare") {
  // #region compare
  const result = await compare({
    ...experiment,
    faults: [down("mail", { from: "60s", to: "80s" })],
    claims: [
      {
        id: "outage",
        claim: "Nobody notices that mail is down.",
        source: "hope",
        checks: ({ base }) => [
          { where: "go, success", predicted: 1, measured: base["go"]!.success },
          { where: "wait, success", predicted: 1, measured: base["wait"]!.success },
        ],
        says: "True for those who do not wait for it.",
      },
    ],
  });
  console.log(result.table());
  console.log(result.claims());
  // #endregion
}

if (part === "blast") {
  // #region blast
  const { table } = await blast({ ...experiment, load: poisson({ perSecond: 20, requests: 500 }) });
  console.log(table());
  // #endregion
}

if (part === "advice") {
  // #region advice
  const { table } = await advice(experiment, { of: "wait" });
  console.log(table());
  // #endregion
}
