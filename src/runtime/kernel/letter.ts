// What [receive] is given: one message of any name, and the ways to deal with it, now or later.

import { cellOf } from "./cell.ts";
import { Failure, InvalidOption } from "./failure.ts";
import { answer, answerNo, count, fail, resolve } from "./fate.ts";
import { type Flight, idOf } from "./flight.ts";
import { armAll, release } from "./giveup.ts";
import type { Origin } from "./mailbox.ts";
import { selector } from "./names.ts";
import { at, Request } from "./operation.ts";
import { move } from "./post.ts";
import type { Answer, Duration, Ref } from "./protocol.ts";

/** A {@link Message} but for the phantom of its protocol. */
export class Letter {
  readonly #flight: Flight;
  readonly type: string;
  readonly payload: unknown;

  constructor(flight: Flight) {
    this.#flight = flight;
    this.type = flight.type;
    this.payload = flight.payload;
  }

  get sender(): Ref<unknown> | undefined {
    const { sender } = this.#flight;
    return sender === undefined || sender.outside ? undefined : sender.ref;
  }

  get id(): string {
    return this.#flight.request === undefined ? this.#flight.info().id : idOf(this.#flight.request);
  }

  get key(): string | undefined {
    return this.#flight.request?.key;
  }

  get deadline(): number | undefined {
    const { deadline } = this.#flight;
    return deadline === Number.POSITIVE_INFINITY ? undefined : deadline;
  }

  get attempt(): number {
    return this.#flight.request?.details?.attempt ?? 1;
  }

  get signal(): AbortSignal {
    return this.#flight.signal;
  }

  answer(value: unknown): void {
    if (value instanceof Failure) this.refuse(value);
    else if (this.#first()) {
      const { cell, request } = this.#flight;
      if (request !== undefined) answer(cell, request, value);
      this.#finish("handled");
    }
  }

  refuse(failure: Failure): void {
    if (!(failure instanceof Failure)) throw new InvalidOption("refuse", failure, "a Refusal or another Failure");
    if (!this.#first()) return;
    const flight = this.#flight;
    answerNo(flight, failure);
    flight.refused = true;
    this.#finish("refused");
  }

  accept(): void {
    const { request } = this.#flight;
    if (request?.verb === "offer") resolve(request, undefined);
  }

  forward(to: Ref<unknown>): void {
    if (!this.#first()) return;
    const flight = this.#flight;
    const { cell, type, payload, request } = flight;
    const failure = move(cell, cellOf(to), selector(type), payload, carried(flight));
    flight.answered = true;
    flight.over = true;
    if (cell.rare?.held.delete(flight) === true) release(flight);
    else armAll(flight);
    if (failure === undefined) {
      if (request?.verb === "offer") resolve(request, undefined);
      return;
    }
    count(cell, "dead", type, flight.origin);
    if (request === undefined || request.verb === "tell")
      cell.core.deadLetter(cellOf(to), flight.sender, type, payload, failure);
    else fail(request, failure);
  }

  hold(on?: readonly Ref<unknown>[]): void {
    const flight = this.#flight;
    if (flight.over || flight.answered) return;
    flight.holding = true;
    flight.on = on?.map((ref) => cellOf(ref));
  }

  relay(
    to: Ref<unknown>,
    options?: { within?: Duration | undefined; signal?: AbortSignal | undefined },
  ): Answer<unknown, unknown> {
    const flight = this.#flight;
    return flight.self.relay(flight, cellOf(to), options);
  }

  /** True for the first answer, refusal or forward; later ones are counted. */
  #first(): boolean {
    const flight = this.#flight;
    if (!flight.over && !flight.answered) return true;
    const { core } = flight.cell;
    if (flight.abandoned) core.late++;
    else core.repeated++;
    return false;
  }

  /** While the handler runs, its message stays with it; held, it ends now. */
  #finish(fate: "handled" | "refused"): void {
    const flight = this.#flight;
    flight.answered = true;
    armAll(flight);
    if (flight.cell.rare?.held.delete(flight) !== true) return;
    release(flight);
    flight.over = true;
    const { request } = flight;
    if (request !== undefined) request.state = at.done;
    count(flight.cell, fate, flight.type, flight.origin);
  }
}

/** What travels on: a plain tell whose id was read takes it along. */
function carried(flight: Flight): Origin {
  const { id, origin, sender } = flight;
  if (id === undefined || origin.request !== undefined || sender === undefined) return origin;
  const named = new Request("tell", sender.self, sender, flight.type);
  named.more().id = id;
  return named;
}
