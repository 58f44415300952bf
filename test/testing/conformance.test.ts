import {
  type Failure,
  InvalidOption,
  type Make,
  type Message,
  type Ref,
  Refusal,
  receive,
  type Self,
  type WaitOptions,
} from "antiphon";
import { idempotent } from "antiphon/actors";
import { StepsExhausted } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { type ConformanceOptions, conformance } from "../../src/testing/conformance.ts";
import { NotConforming } from "../../src/testing/stage.ts";
import type { Subject } from "../../src/testing/subject.ts";
import { pool } from "../fixtures/pool.ts";

type Wrap = (inner: Ref<Subject>) => Make<object>;
type M = Message<Subject>;

class Unwilling extends Refusal {
  readonly _tag = "Unwilling";
}

/** Asks as the message says, and answers with what comes back. */
const relayed = (m: M, inner: Ref<Subject>): void => {
  m.hold([inner]);
  m.relay(inner).then(
    (value) => m.answer(value),
    (failure: Failure) => m.refuse(failure),
  );
};

/** A wrapper of `act`, with what it needs of a message beside the inner actor. */
const wrapper =
  (act: (m: M, inner: Ref<Subject>, self: Self) => unknown): Wrap =>
  (inner) =>
  (self) => ({ [receive]: (m: M) => act(m, inner, self) });

const forwarder = wrapper((m, inner) => m.forward(inner));

/** Methods, as a decorator of an object has them: an ask for each, which waits. */
const byMethods: Wrap = (inner) =>
  idempotent<Subject>(
    (self) => {
      const to = () => self.ask(inner, { ...self.message, within: "1h" });
      return {
        echo: (value) => to().echo(value),
        refuse: (value) => to().refuse(value) as Promise<never>,
        crash: () => to().crash(),
        slow: (ms) => to().slow(ms),
        hang: () => to().hang(),
      };
    },
    { window: "1h" },
  );

/** Holds messages in a list, and relays the oldest when the one before is answered. */
const queue: Wrap = (inner) => () => {
  const waiting: M[] = [];
  let isBusy = false;
  const next = (): void => {
    const m = waiting.shift();
    isBusy = m !== undefined;
    if (m === undefined) return;
    m.relay(inner)
      .then(
        (value) => m.answer(value),
        (failure: Failure) => m.refuse(failure),
      )
      .finally(next);
  };
  return {
    [receive](m: M): void {
      m.hold([inner]);
      m.accept();
      waiting.push(m);
      if (!isBusy) next();
    },
  };
};

const honest: Record<string, [Wrap, ConformanceOptions?]> = {
  "a forwarder": [forwarder],
  "a relay": [wrapper(relayed)],
  "a queue": [queue],
  "a factory that takes its time": [
    (inner) => async (self) => {
      await self.sleep(20);
      return { [receive]: (m: M) => m.forward(inner) };
    },
  ],
  "one that awaits the inner actor": [
    wrapper(async (m, inner) => m.answer(await m.relay(inner))),
    { spawn: { concurrency: 8 }, order: false },
  ],
  "one that answers twice": [
    wrapper((m, inner) => {
      m.hold();
      const end = (value: unknown) => {
        m.answer(value);
        m.answer("twice");
      };
      m.relay(inner).then(end, (failure: Failure) => m.refuse(failure));
    }),
  ],
  idempotent: [byMethods],
  "idempotent, several at a time": [byMethods, { spawn: { concurrency: 8 } }],
  "a pool": [(inner) => pool<Subject>(() => ({ [receive]: (m: M) => m.forward(inner) }) as never, { size: 3 })],
  "a pool by relay, with workers that relay": [
    (inner) => pool<Subject>(() => ({ [receive]: (m: M) => relayed(m, inner) }) as never, { size: 3, hand: "relay" }),
    { order: false },
  ],
};

describe("conformance accepts", () => {
  for (const [name, [wrap, options]] of Object.entries(honest))
    describe(name, () => {
      test.each(conformance(wrap, options))("$name", ({ run }) => run());
    });
});

/** As `relayed`, but for what `value` makes of an answer and `failure` of a failure; undefined is no end at all. */
const relayedAs = (as: {
  value?: (value: unknown) => unknown;
  failure?: (failure: Failure, m: M) => ((m: M) => void) | undefined;
}): Wrap =>
  wrapper((m, inner) => {
    m.hold([inner]);
    m.relay(inner).then(
      (value) => m.answer(as.value === undefined ? value : as.value(value)),
      (failure: Failure) => (as.failure ? as.failure(failure, m)?.(m) : m.refuse(failure)),
    );
  });

/** Asks, when nothing is handled, so that nothing is inherited, and with the options given. */
const askedAlone = (options: (m: M) => WaitOptions): Wrap =>
  wrapper((m, inner, self) => {
    m.hold();
    self.after(0, () => {
      const ask = self.ask(inner, options(m)) as unknown as Record<string, (payload: unknown) => Promise<unknown>>;
      ask[m.type]!(m.payload).then(
        (value) => m.answer(value),
        (failure: Failure) => m.refuse(failure),
      );
    });
  });

const fieldOf = (m: M, name: string): unknown => (m.payload as Record<string, unknown> | null | undefined)?.[name];
const isAsked = (m: M): boolean => m.deadline !== undefined;
const isKnown = (m: M): boolean => ["echo", "refuse", "crash", "slow", "hang"].includes(m.type);

/** What each of these does wrong, the one case that fails, and what that says. */
const broken: Record<string, [wrap: Wrap, fails: string, text: RegExp]> = {
  "answers with something else": [
    relayedAs({ value: (value) => (typeof value === "object" ? "[object]" : value) }),
    "answers an ask with the value of the inner actor",
    /^An ask of echo\(\{ three: \[ 3 \] \}\): found the value '\[object\]', expected the value \{ three: \[ 3 \] \}\.$/,
  ],
  "swallows refusals": [
    relayedAs({ failure: (failure) => (m) => (failure._tag === "Declined" ? m.answer(undefined) : m.refuse(failure)) }),
    "gives the asker a refusal of the inner actor",
    /^An ask of refuse: found the value undefined, expected Declined, answered, with its value\.$/,
  ],
  "makes refusals its own": [
    relayedAs({ failure: (failure) => (m) => m.refuse(failure._tag === "Declined" ? new Unwilling() : failure) }),
    "gives the asker a refusal of the inner actor",
    /found Unwilling, answered, expected Declined/,
  ],
  "is silent about crashes": [
    relayedAs({ failure: (failure) => (failure._tag === "ActorCrashed" ? undefined : (m) => m.refuse(failure)) }),
    "tells the asker that the inner actor crashed, and goes on",
    /^An ask of crash: found AskTimeout, unknown, expected a failure that says so, as ActorCrashed, before the deadline\.$/,
  ],
  "answers in the place of one that hangs": [
    wrapper((m, inner, self) => {
      relayed(m, inner);
      if (m.type === "hang") self.after("1500ms", () => m.answer("nothing"));
    }),
    "lets an ask end by its deadline while the inner actor hangs, and goes on",
    /^An ask of hang, within 2 s: found the value 'nothing', at 1500 ms, expected AskTimeout at 2000 ms or a failure before\.$/,
  ],
  "asks on when its asker has given up": [
    askedAlone(({ id, key, attempt }) => ({ id, key, attempt, within: "1h" })),
    "lets go of an ask that is given up, and goes on",
    /^\/inner, a minute after the ask was given up: found 1 held, expected nothing of it\.$/,
  ],
  "drops tells": [
    wrapper((m, inner) => (fieldOf(m, "verb") === "tell" && fieldOf(m, "n") === 5 ? m.accept() : m.forward(inner))),
    "brings every message to the inner actor once",
    /^Message 5, by tell: found 0 of it at the inner actor, expected 1\.$/,
  ],
  "sends a message twice": [
    wrapper((m, inner, self) => {
      if (fieldOf(m, "verb") === "ask") self.tell(inner).echo(m.payload);
      m.forward(inner);
    }),
    "brings every message to the inner actor once",
    /^Message 1, by ask: found 2 of it at the inner actor, expected 1\.$/,
  ],
  "lets messages overtake each other": [
    (inner) => (self) => {
      const waiting: M[] = [];
      return {
        [receive](m: M) {
          m.hold([inner]);
          waiting.push(m);
          self.after(5, () => waiting.pop()?.forward(inner));
        },
      };
    },
    "keeps the order of what one sender tells",
    /^What one told, in the order of its starts: found 9 8 .*, expected the order in which it was told\.$/,
  ],
  "never settles offers": [
    wrapper((m, inner) => {
      if (fieldOf(m, "offered") === undefined) return relayed(m, inner);
      m.hold();
      m.relay(inner).catch(() => {});
    }),
    "settles an offer that is taken",
    /^An offer that was taken a minute ago: found no end of it, expected that it is settled\.$/,
  ],
  "takes what it does not know": [
    wrapper((m, inner) => (isKnown(m) ? m.forward(inner) : undefined)),
    "turns a message away that the inner actor does not have, and says so",
    /^An ask of a name that the inner actor lacks: found the value undefined, expected a failure, as UnknownMessage, at once\.$/,
  ],
  "drops what it is told and does not know": [
    wrapper((m, inner) => (isKnown(m) || isAsked(m) ? m.forward(inner) : undefined)),
    "turns a message away that the inner actor does not have, and says so",
    /^A tell of a name that the inner actor lacks: found no event, expected a dead letter, or a refusal that is unheard\.$/,
  ],
  "loses the key": [
    askedAlone(({ id, attempt, deadline }) => ({ id, attempt, within: deadline === undefined ? "5s" : "10s" })),
    "keeps id, key and attempt",
    /^What came by tell: found \{ id: 'the tell', key: undefined, attempt: 3 \}, expected \{ id: 'the tell', key: 'key of tell', attempt: 3 \}\.$/,
  ],
  "makes ids of its own": [
    askedAlone(({ key, attempt }) => ({ key, attempt, within: "10s" })),
    "keeps id, key and attempt",
    /^What came by tell: found \{ id: '(?!the tell).*', key: 'key of tell', attempt: 3 \}/,
  ],
  "counts attempts of its own": [
    askedAlone(({ id, key }) => ({ id, key, attempt: 1, within: "10s" })),
    "keeps id, key and attempt",
    /attempt: 1 \}, expected .*attempt: 3 \}/,
  ],
  "holds for ever what was told and refused": [
    relayedAs({
      failure: (failure, m) => (isAsked(m) || failure._tag !== "Declined" ? (one) => one.refuse(failure) : undefined),
    }),
    "has nothing left when all is done",
    /^A minute after the last message: found 1 held, expected that nothing is left\.$/,
  ],
  "can not be made a second time": [
    (inner) => {
      let isOpen = false;
      return () => {
        if (isOpen) throw new Error("in use");
        isOpen = true;
        return { [receive]: (m: M) => m.forward(inner) };
      };
    },
    "works after a restart",
    /^An ask after a restart: found ActorStopped, .*, expected the value 'again'\.$/,
  ],
  "does not end when it is disposed of": [
    (inner) => (self) => ({
      [receive]: (m: M) => m.forward(inner),
      [Symbol.asyncDispose]: () => self.sleep("1h"),
    }),
    "stops with its system, when its work is done",
    /^A stop: found 1 that did not end in time, expected that handlers and dispose end\.$/,
  ],
  "does what it is told an hour later": [
    wrapper((m, inner, self) => {
      if (m.type !== "slow" || isAsked(m)) return m.forward(inner);
      m.hold();
      self.after("59s", () => m.forward(inner));
    }),
    "stops with its system, when its work is done",
    /^A stop that drains: found 1 messages left/,
  ],
};

describe("conformance finds what", () => {
  test.each(Object.entries(broken))("%s, by that case alone", async (_, [wrap, fails, text]) => {
    expect(await failing(wrap)).toEqual({ [fails]: expect.stringMatching(text) });
  });

  test("does nothing at all", async () => {
    const found = await failing(wrapper((m) => m.hold()));
    const spared = conformance(forwarder).filter(({ name }) => found[name] === undefined);
    expect(spared.map(({ name }) => name)).toEqual([
      "keeps the order of what one sender tells",
      "keeps id, key and attempt",
    ]);
  });

  test("is a violation of each case, in one way or another", () => {
    const planted = new Set(Object.values(broken).map(([, fails]) => fails));
    expect([...planted].sort()).toEqual(
      conformance(forwarder)
        .map(({ name }) => name)
        .sort(),
    );
  });
});

/** What each case that fails says. */
async function failing(wrap: Wrap): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, run } of conformance(wrap))
    await run().catch((error: unknown) => {
      expect(error).toBeInstanceOf(NotConforming);
      found[name] = (error as Error).message;
    });
  return found;
}

describe("conformance", () => {
  const names = (options?: ConformanceOptions) => conformance(forwarder, options).map(({ name }) => name);

  test("leaves out what a wrapper does not promise", () => {
    const without = (options: ConformanceOptions) => names().filter((name) => !names(options).includes(name));
    expect(without({ order: false })).toEqual(["keeps the order of what one sender tells"]);
    expect(without({ passesCrash: false })).toEqual(["tells the asker that the inner actor crashed, and goes on"]);
    expect(names({ order: true, passesCrash: true, seed: 3 })).toEqual(names());
  });

  test("makes the wrapper anew for each case, and for each run of one", async () => {
    let made = 0;
    const [first] = conformance((inner) => {
      made++;
      return forwarder(inner);
    });
    expect(made).toBe(0);
    await first?.run();
    await first?.run();
    expect(made).toBe(2);
  });

  test("spawns the wrapper as it is told, and draws by the seed", async () => {
    const draws: number[] = [];
    const drawing: Wrap = (inner) => (self) => {
      draws.push(self.random());
      return { [receive]: (m: M) => m.forward(inner) };
    };
    for (const seed of [1, 1, 2]) await conformance(drawing, { seed })[0]?.run();
    expect([draws[0] === draws[1], draws[0] === draws[2]]).toEqual([true, false]);
    const [first] = conformance(drawing, { spawn: { concurrency: 0 } });
    await expect(first?.run()).rejects.toThrow(/^concurrency: found 0/);
  });

  test("lets through what a factory or a simulation fails with", async () => {
    const [first] = conformance((inner) => {
      const front = (self: Self) => ({ [receive]: (m: M) => m.forward(m.type === "echo" ? self.ref : inner) });
      return front;
    });
    await expect(first?.run()).rejects.toThrow(StepsExhausted);
  });

  test.each([
    ["wrap", undefined, {}],
    ["oder", forwarder, { oder: false }],
  ])("refuses a wrong %s", (option, wrap, options) => {
    const make = () => conformance(wrap as Wrap, options as ConformanceOptions);
    expect(make).toThrow(InvalidOption);
    expect(make).toThrow(new RegExp(`^${option}: found`));
  });
});
