// The rows on Effect 4: an actor is a fiber that takes from an unbounded Queue for ever. Who asks is a fiber too: it
// waits for a Deferred, under a timeout. What is told is offered from plain code, which is the quickest way in.

import { Deferred, type Duration, Effect, Fiber, Queue } from "effect";
import { expectEqual, type Subject, sizes, xorshift } from "../rows.ts";
import { type Behaviour, type Kit, subjectOf } from "./shapes.ts";

interface Question {
  readonly n: number;
  readonly answer: Deferred.Deferred<number>;
}
type Message = number | Question;
interface Ref {
  readonly queue: Queue.Queue<Message>;
  readonly fiber: Fiber.Fiber<unknown>;
}

function start(handle: (message: Message) => Effect.Effect<unknown> | undefined): Ref {
  const queue = Effect.runSync(Queue.unbounded<Message>());
  const loop = Effect.gen(function* () {
    while (true) {
      const more = handle(yield* Queue.take(queue));
      if (more !== undefined) yield* more;
    }
  });
  return { queue, fiber: Effect.runFork(loop) };
}

function spawn({ take, answer }: Behaviour): Ref {
  return start((message) => {
    if (typeof message !== "number") return Deferred.succeed(message.answer, answer?.(message.n) as number);
    take?.(message);
    return undefined;
  });
}

/** An actor whose answer is an effect. */
function spawnAsker(answer: (n: number) => Effect.Effect<number>): Ref {
  return start((message) => {
    const asked = message as Question;
    return Effect.flatMap(answer(asked.n), (value) => Deferred.succeed(asked.answer, value));
  });
}

const ask = (to: Ref, n: number, within: Duration.Input = "5 seconds"): Effect.Effect<number> =>
  Effect.gen(function* () {
    const answer = yield* Deferred.make<number>();
    yield* Queue.offer(to.queue, { n, answer });
    return yield* Deferred.await(answer);
  }).pipe(Effect.timeout(within), Effect.orDie);

/** For asks that last as long as a repetition. */
const long = "1 minute";

const askAll = (to: Ref, asks: number, inFlight: number): Effect.Effect<number> =>
  Effect.gen(function* () {
    let sum = 0;
    for (let from = 0; from < asks; from += inFlight) {
      if (inFlight === 1) {
        sum += yield* ask(to, from);
        continue;
      }
      const numbers = Array.from({ length: Math.min(inFlight, asks - from) }, (_, i) => from + i);
      for (const answer of yield* Effect.forEach(numbers, (n) => ask(to, n), { concurrency: "unbounded" }))
        sum += answer;
    }
    return sum;
  });

const echo = () => spawn({ answer: (n) => n + 1 });

const kit: Kit<Ref> = {
  spawn,
  tell: (to, n) => void Queue.offerUnsafe(to.queue, n),
  ask: (to, n) => Effect.runPromise(ask(to, n)),
  stop: ({ fiber }) => void Effect.runFork(Fiber.interrupt(fiber)),
  after({ queue }, ms, n) {
    const fiber = Effect.runFork(Effect.delay(Queue.offer(queue, n), ms));
    return () => void Effect.runFork(Fiber.interrupt(fiber));
  },
};

/** A program of Effect, and the sum that it gives. */
function asking(asks: number, program: Effect.Effect<number>) {
  let sum = 0;
  return {
    async run() {
      sum = await Effect.runPromise(program);
    },
    check: () => expectEqual("sum of answers", sum, (asks * (asks + 1)) / 2),
  };
}

export const subject: Subject = {
  ...subjectOf(() => kit),

  ask: (asks, inFlight) => asking(asks, askAll(echo(), asks, inFlight)),

  "ask-inside"(asks, inFlight) {
    const to = echo();
    const asker = spawnAsker((count) => askAll(to, count, inFlight));
    return asking(asks, ask(asker, asks, long));
  },

  bank(transfers) {
    const draw = xorshift(7);
    const balances = new Array<number>(sizes.accounts).fill(sizes.balance);
    let handled = 0;
    const accounts = balances.map((_, i) =>
      spawn({
        answer(change) {
          handled++;
          return (balances[i] = (balances[i] as number) + change);
        },
      }),
    );
    const drawn = () => accounts[draw(sizes.accounts)] as Ref;
    const move = Effect.fnUntraced(function* (count: number) {
      for (let done = 0; done < count; done++) {
        yield* ask(drawn(), -1);
        yield* ask(drawn(), 1);
      }
      return count;
    });
    const moves = Array.from({ length: sizes.tellers }, () => ask(spawnAsker(move), transfers / sizes.tellers, long));
    return {
      run: () => Effect.runPromise(Effect.all(moves, { concurrency: "unbounded" })),
      check() {
        expectEqual("messages", handled, 2 * transfers);
        const money = balances.reduce((sum, balance) => sum + balance, 0);
        expectEqual("money", money, sizes.accounts * sizes.balance);
      },
    };
  },
};
