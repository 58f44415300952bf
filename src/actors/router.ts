// Actors that exist already behind one ref: one of them gets each message, or all of them.

import { milliseconds } from "../runtime/kernel/duration.ts";
import { ActorStopped, Failure, InvalidOption, type Refusal } from "../runtime/kernel/failure.ts";
import { oneOf } from "../runtime/kernel/options.ts";
import { type Duration, type Message, type Ref, receive } from "../runtime/kernel/protocol.ts";
import type { Make, Self } from "../runtime/kernel/verbs.ts";
import {
  type Balance,
  Balancer,
  type BalancerOptions,
  balanceOf,
  counts,
  type Strategy,
  strategies,
  type Target,
} from "./balancer.ts";
import { type Front, givenOn, known, refuse } from "./front.ts";

export type RouterOptions = BalancerOptions<Strategy>;

/**
 * Sends each message to one of `routees`, which it does not own: in turn by default.
 *
 * Promises: each message goes to one routee, once. One that has ended gets nothing more; when none is left, askers are
 * told so at once, with ActorStopped. With `consistent-hash` a key moves to another routee only when its own has ended.
 * Fails: InvalidOption.
 * Cost: a forward; a relay with `least-loaded` and `power-of-two-choices`, which count answers. A routee whose asker has
 * given up counts as free, though its handler may run on: of a {@link pool} that is known.
 * Example: `system.spawn(router([eu, us], { strategy: "consistent-hash" }), { name: "accounts" })`.
 */
export function router<P>(routees: readonly Ref<P>[], options: RouterOptions = {}): Make<Front<P>> {
  check("routees", routees);
  known(options, ["strategy", "by", "vnodes"]);
  const balance = balanceOf(options, strategies);
  return (self) => new Router<P>(self, routees, balance);
}

interface Routee extends Target {
  inHand: number;
}

class Router<P> implements Front<P> {
  readonly #self: Self;
  readonly #balancer: Balancer<Routee>;
  readonly #isCounting: boolean;

  constructor(self: Self, routees: readonly Ref<P>[], balance: Balance) {
    this.#self = self;
    this.#balancer = new Balancer(self, balance);
    this.#isCounting = counts(balance.strategy);
    const targets = routees.map((ref): Routee => ({ name: ref.path, ref, inHand: 0 }));
    this.#balancer.targets = targets;
    for (const one of targets) self.watch(one.ref, () => this.#leave(one));
  }

  [receive](m: Message<P>): void {
    const routee = this.#balancer.pick(m);
    if (routee === undefined) m.refuse(gone(this.#self, m));
    else if (this.#isCounting) this.#relay(routee, m);
    else m.forward(routee.ref);
  }

  #relay(routee: Routee, m: Message<P>): void {
    routee.inHand++;
    m.hold([routee.ref]);
    m.relay(routee.ref).then(
      (value) => {
        routee.inHand--;
        m.answer(value);
      },
      (error: unknown) => {
        routee.inHand--;
        if (!(error instanceof ActorStopped) || error.outcome !== "not-started") refuse(m, error);
        else {
          // It was not begun. That the routee has ended may not be known here yet.
          this.#leave(routee);
          this.#self.after(0, () => this[receive](m));
        }
      },
    );
    m.accept();
  }

  #leave(routee: Routee): void {
    this.#balancer.targets = this.#balancer.targets.filter((one) => one !== routee);
  }
}

export interface BroadcastOptions {
  /** Which answer an ask gets: of whoever is first (default), of all, or of so many. */
  answers?: "first" | "all" | number | undefined;
  /** How long routees have, within the deadline of the asker; without limit by default. */
  within?: Duration | undefined;
}

/** What a broadcast of P's messages answers: a list where it waits for several. */
export type Broadcast<P> = {
  readonly [M in keyof P]: P[M] extends (...payload: infer A) => infer R
    ? (...payload: A) => Promise<Exclude<Awaited<R>, Refusal>[] | Extract<Awaited<R>, Refusal>>
    : P[M];
};

/**
 * Sends each message to all `routees`.
 *
 * Promises: a tell reaches each routee that has not ended, once. An ask is answered with the first value (`first`), the
 * values of all that have not ended, in the order of `routees` (`all`), or the first n values in the order of `routees` (n, a quorum), under
 * its deadline; as soon as so many answers can not come any more, with the failure that settled it. Once answered, the
 * other asks are given up. An offer settles at once.
 * Fails: InvalidOption.
 * Example: `system.spawn(broadcast([a, b, c], { answers: 2 }), { name: "replicas" })`.
 */
export function broadcast<P>(
  routees: readonly Ref<P>[],
  options?: BroadcastOptions & { answers?: "first" | undefined },
): Make<Front<P>>;
export function broadcast<P>(
  routees: readonly Ref<P>[],
  options: BroadcastOptions & { answers: "all" | number },
): Make<Front<Broadcast<P>>>;
export function broadcast<P>(routees: readonly Ref<P>[], options: BroadcastOptions = {}): Make<Front<P>> {
  check("routees", routees);
  known(options, ["answers", "within"]);
  const within = milliseconds("within", options.within ?? Number.POSITIVE_INFINITY);
  const { answers } = options;
  if (typeof answers === "number") {
    if (!(Number.isInteger(answers) && answers >= 1 && answers <= routees.length))
      throw new InvalidOption("answers", answers, `a whole number from 1 to ${routees.length}, the number of routees`);
  } else oneOf("answers", answers, ["first", "all"], "a number");
  const needed = answers === "all" ? undefined : typeof answers === "number" ? answers : 1;
  const isList = answers !== undefined && answers !== "first";
  return (self) => new Broadcaster<P>(self, routees, { needed, isList, within });
}

interface Quorum {
  /** Undefined: all that are left. */
  readonly needed: number | undefined;
  readonly isList: boolean;
  readonly within: number;
}

class Broadcaster<P> implements Front<P> {
  readonly #self: Self;
  readonly #quorum: Quorum;
  #routees: readonly Ref<P>[];

  constructor(self: Self, routees: readonly Ref<P>[], quorum: Quorum) {
    this.#self = self;
    this.#quorum = quorum;
    this.#routees = routees;
    for (const ref of routees)
      self.watch(ref, () => {
        this.#routees = this.#routees.filter((one) => one !== ref);
      });
  }

  [receive](m: Message<P>): void {
    const routees = this.#routees;
    const { needed = routees.length, within, isList } = this.#quorum;
    if (routees.length < Math.max(1, needed)) {
      m.refuse(gone(this.#self, m));
      return;
    }
    m.hold(routees);
    m.accept();
    const poll = new Poll(m, routees.length, needed, isList);
    for (const [place, ref] of routees.entries()) {
      const relayed = m.relay(ref, { within, signal: poll.signal });
      relayed.then(
        (value) => poll.answered(place, value),
        (error: unknown) => poll.failed(error),
      );
    }
  }
}

/** One message, and the answers to it so far. */
class Poll {
  readonly #m: Message;
  readonly #needed: number;
  readonly #isList: boolean;
  readonly #values: { readonly place: number; readonly value: unknown }[] = [];
  readonly #control = new AbortController();
  #open: number;
  #isOver = false;

  constructor(m: Message, open: number, needed: number, isList: boolean) {
    this.#m = m;
    this.#open = open;
    this.#needed = needed;
    this.#isList = isList;
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }

  answered(place: number, value: unknown): void {
    if (this.#isOver) return;
    this.#open--;
    this.#values.push({ place, value });
    if (this.#values.length < this.#needed) return;
    const values = this.#values.sort((a, b) => a.place - b.place).map((one) => one.value);
    this.#isOver = true;
    this.#m.answer(this.#isList ? values : values[0]);
    // Nobody waits for the others: queued requests are withdrawn, running ones signalled.
    if (this.#open > 0 && this.#m.deadline !== undefined) this.#control.abort();
  }

  failed(error: unknown): void {
    if (!(error instanceof Failure)) throw error;
    if (this.#isOver) return;
    this.#open--;
    if (this.#values.length + this.#open >= this.#needed) return;
    this.#isOver = true;
    this.#m.refuse(this.#values.length === 0 ? givenOn(error) : error);
    if (this.#open > 0 && this.#m.deadline !== undefined) this.#control.abort();
  }
}

/** Fails: InvalidOption. */
function check(option: string, routees: readonly Ref<unknown>[]): void {
  const allowed = "a list of refs, at least one";
  if (!Array.isArray(routees)) throw new InvalidOption(option, routees, allowed);
  if (routees.length === 0) throw new InvalidOption(option, "none", allowed);
  for (const ref of routees) if (typeof ref?.path !== "string") throw new InvalidOption(option, ref, allowed);
}

function gone(self: Self, m: Message): ActorStopped {
  return new ActorStopped(`${self.path} has nobody left who could take ${m.type}.`, "not-started");
}
