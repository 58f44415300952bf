// A state and who keeps what happens to it: decisions write events here, which take effect at once.

import { apply, end, leased, published } from "./apply.ts";
import type { Draft, Fate, StoreEvent } from "./event.ts";
import type { RecordWriter } from "./record-bytes.ts";
import type { Delivery, StoreState, Topic } from "./state.ts";

/** What is decided by one command. Its events are of one record of a journal: all of them are found again, or none. */
export class Ledger {
  readonly state: StoreState;
  readonly #record: RecordWriter | undefined;

  /** Without a `record` nobody keeps events. */
  constructor(state: StoreState, record: RecordWriter | undefined) {
    this.state = state;
    this.#record = record;
  }

  emit(event: StoreEvent): void {
    apply(this.state, event);
    if (event.kind !== "woken" || event.isKept) this.#record?.write(event);
  }

  // What happens to every message, of what is at hand: without an object for the event.

  /** `published`. */
  publish(topic: Topic, draft: Draft, at: number): number {
    const { nextSeq: seq } = topic;
    published(this.state, topic, draft, seq, at);
    this.#record?.published(topic.name, draft, seq, at);
    return seq;
  }

  lease(one: Delivery, at: number, consumer: string): void {
    const { seq } = one.entry;
    const { topic, name } = one.of;
    if (!isOf(one)) this.emit({ kind: "leased", topic: topic.name, name, seq, at, consumer });
    else {
      leased(one, at, consumer);
      this.#record?.leased(topic.name, name, seq, at, consumer);
    }
  }

  settle(one: Delivery, fate: Fate): void {
    const { seq } = one.entry;
    const { topic, name } = one.of;
    if (!isOf(one)) this.emit({ kind: "settled", topic: topic.name, name, seq, fate });
    else {
      end(this.state, one, fate);
      this.#record?.settled(topic.name, name, seq, fate);
    }
  }
}

/** It is not over, nor of a former state of its subscription, in which another has its place by now. */
function isOf({ of, phase }: Delivery): boolean {
  return phase !== "over" && of.topic.subscriptions.get(of.name) === of;
}
