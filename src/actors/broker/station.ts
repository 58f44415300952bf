// The actors of this room: one that is a store, with a queue or topic of its own or without, and one that stands for a
// queue or topic of another store.

import { Failure, Refusal, Stopped, UnknownMessage } from "../../runtime/kernel/failure.ts";
import { type Message, type Ref, receive } from "../../runtime/kernel/protocol.ts";
import type { Make, Self } from "../../runtime/kernel/verbs.ts";
import { Broker } from "./broker.ts";
import { type Desk, parcelOf } from "./draft.ts";
import { NotSafe } from "./failure.ts";
import type { Journal } from "./journal.ts";
import { type EnlistRequest, type OpenRequest, prefix, type Requests, requested } from "./request.ts";
import { Roster } from "./roster.ts";
import type { StoreSettings } from "./settings.ts";

/** What an actor with `[receive]` is to its callers. */
export interface Receives<P> {
  [receive](m: Message<P>): unknown;
}

/** What a queue or topic asks of its store when it starts; `enlist` only of a queue. */
export interface Opening {
  readonly open: OpenRequest;
  readonly enlist: EnlistRequest | undefined;
}

/** A store that is an actor: restarts find the state of the former incarnation, or of the journal. */
export function station(
  settings: StoreSettings,
  opening: ((self: Self) => Opening) | undefined,
): Make<Receives<unknown>> {
  const rosters = new WeakMap<object, Roster>();
  return (self) => {
    let roster = rosters.get(self.ref);
    if (roster === undefined) rosters.set(self.ref, (roster = new Roster()));
    const known = roster;
    const start = (journal: Journal | undefined) => {
      const broker = new Broker(self, settings, known, journal);
      const own = opening?.(self);
      const desk = own && broker.open(own.open.topic, own.open.settings, own.open.givesAnswers);
      if (own?.enlist !== undefined) {
        const { topic, name, settings, refs } = own.enlist;
        broker.enlist(topic, name, settings, refs);
      }
      return journal === undefined ? new Station(broker, desk) : new DurableStation(broker, desk);
    };
    const journal = settings.journal?.(self);
    if (journal === undefined) return start(undefined);
    return "then" in journal ? journal.then(start) : start(journal);
  };
}

class Station implements Receives<unknown> {
  protected readonly broker: Broker;
  readonly #desk: Desk | undefined;

  constructor(broker: Broker, desk: Desk | undefined) {
    this.broker = broker;
    this.#desk = desk;
  }

  [receive](m: Message): void {
    if (m.type.startsWith(prefix)) requested(this.broker, m);
    else if (this.#desk !== undefined) this.broker.take(this.#desk, m, parcelOf(m));
    else m.refuse(new UnknownMessage(`${this.broker.self.path} is a store and takes no ${m.type}.`, "not-started"));
  }
}

class DurableStation extends Station {
  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

/** Stands for a queue or topic of `store`: what it is sent it asks of the store, and holds until that has answered. */
export function facade(store: Ref<unknown>, opening: (self: Self) => Opening): Make<Receives<unknown>> {
  return (self) => {
    const { open, enlist } = opening(self);
    const to = store as Ref<Requests>;
    self.tell(to)["broker.open"]({ ...open, enlist });
    const held = [store];
    return {
      [receive](m: Message): void {
        if (m.type.startsWith(prefix)) {
          m.forward(store);
          return;
        }
        m.hold(held);
        self
          .ask(to, { within: Number.POSITIVE_INFINITY })
          ["broker.publish"]({ ...parcelOf(m), topic: open.topic })
          .then(
            (answer) => m.answer(answer),
            (error) => {
              if (error instanceof Stopped && error.passed.length === 0) return;
              m.refuse(
                error instanceof Failure
                  ? own(error)
                  : new NotSafe(`${self.path}: ${error}`, "unknown", { cause: error }),
              );
            },
          );
      },
    };
  };
}

/** What the store says, said by the facade itself: it is not a failure that passes it, and keeps its outcome. */
function own(failure: Failure): Failure {
  if (failure instanceof Refusal) return failure;
  return Object.create(Object.getPrototypeOf(failure) as object, Object.getOwnPropertyDescriptors(failure)) as Failure;
}
