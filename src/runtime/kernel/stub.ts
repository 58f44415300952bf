// The objects that tell, offer and ask give: one class per verb for the whole process, with the names that are known
// from spawned actors on its prototype. A Proxy anywhere in that chain would cost 5 to 15 times as much per message;
// one is used only for refs whose names are not known yet.

import { type Cell, cellOf, gate } from "./cell.ts";
import { InvalidOption } from "./failure.ts";
import { isMessageName, onSelector, type Selector, selector } from "./names.ts";
import { quickPut } from "./post.ts";
import type { Ref } from "./protocol.ts";
import type { Incarnation } from "./self.ts";
import type { TellOptions, Verb, WaitOptions } from "./verbs.ts";

// Names beginning with "_" are no messages, so these fields hide none. Three classes alike: with a common base, tells to
// many actors in turn took 7 % longer.
export class TellStub {
  declare readonly _self: Incarnation;
  declare readonly _to: Cell;
  declare readonly _options: TellOptions | undefined;

  constructor(self: Incarnation, to: Cell, options: TellOptions | undefined) {
    this._self = self;
    this._to = to;
    this._options = options;
  }
}

class OfferStub {
  declare readonly _self: Incarnation;
  declare readonly _to: Cell;
  declare readonly _options: WaitOptions | undefined;

  constructor(self: Incarnation, to: Cell, options: WaitOptions | undefined) {
    this._self = self;
    this._to = to;
    this._options = options;
  }
}

class AskStub {
  declare readonly _self: Incarnation;
  declare readonly _to: Cell;
  declare readonly _options: WaitOptions | undefined;

  constructor(self: Incarnation, to: Cell, options: WaitOptions | undefined) {
    this._self = self;
    this._to = to;
    this._options = options;
  }
}

onSelector((what) => {
  define(TellStub.prototype, what, function (this: TellStub, payload: unknown) {
    const { _self: self, _to: to, _options: options } = this;
    if (options !== undefined || !self.live || !quickPut(to, what, payload, self.cell))
      self.tellTo(to, what, payload, options);
  });
  define(OfferStub.prototype, what, function (this: OfferStub, payload: unknown) {
    return this._self.offerTo(this._to, what, payload, this._options);
  });
  define(AskStub.prototype, what, function (this: AskStub, payload: unknown) {
    return this._self.askOf(this._to, what, payload, this._options);
  });
});

// Each fails with InvalidOption when `ref` is no ref.

export function tellStub(self: Incarnation, ref: Ref<unknown>, options: TellOptions | undefined): object {
  const to = cellOf(ref);
  const stub = new TellStub(self, to, options);
  if (to.gate !== 0) return learn(to, stub);
  if (options === undefined) self.told = stub;
  return stub;
}

export function offerStub(self: Incarnation, ref: Ref<unknown>, options: WaitOptions | undefined): object {
  const to = cellOf(ref);
  return learn(to, new OfferStub(self, to, options));
}

export function askStub(self: Incarnation, ref: Ref<unknown>, options: WaitOptions | undefined): object {
  const to = cellOf(ref);
  return learn(to, new AskStub(self, to, options));
}

export function viaStub(verb: Verb, self: Incarnation, ref: Ref<unknown>, options: WaitOptions | undefined): object {
  if (verb === "tell") return tellStub(self, ref, options);
  if (verb === "offer") return offerStub(self, ref, options);
  if (verb === "ask") return askStub(self, ref, options);
  throw new InvalidOption("verb", verb, '"tell", "offer" or "ask"');
}

/** The stub, or around it a Proxy where its names are not known. */
function learn(to: Cell, stub: object): object {
  return to.protocol.any || (to.gate & gate.starting) !== 0 ? new Proxy(stub, learning) : stub;
}

/** Any name may be a message: it becomes known when it is first used. */
const learning: ProxyHandler<object> = {
  get(stub, name) {
    if (!isMessageName(name)) return undefined;
    selector(name);
    return (stub as Record<string, (payload: unknown) => unknown>)[name]?.bind(stub);
  },
};

function define(prototype: object, what: Selector, value: (payload: unknown) => unknown): void {
  Object.defineProperty(prototype, what.name, { value, writable: true, configurable: true });
}
