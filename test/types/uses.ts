// What must compile and what must not. Only compiled, never run: each `@ts-expect-error` has to stay an error.

import {
  type Answer,
  createSystem,
  type Failure,
  type Message,
  type Ref,
  Refusal,
  type Reply,
  receive,
  type Self,
  settle,
  type Verb,
} from "antiphon";
import { expectTypeOf } from "vitest";

class OutOfStock extends Refusal {
  readonly _tag = "OutOfStock";
}

class Declined extends Refusal {
  readonly _tag = "Declined";
}

class Inventory {
  #left = 1;
  reserve(sku: string) {
    return this.#left > 0 ? { sku, left: --this.#left } : new OutOfStock(`no ${sku} left`);
  }
}

interface Reserved {
  sku: string;
  left: number;
}

const system = createSystem();
const stock = system.spawn(() => new Inventory(), { name: "stock" });

async function settling(): Promise<void> {
  const reserved = await settle(system.ask(stock).reserve("mug"));
  if (reserved.ok) expectTypeOf(reserved.value).toEqualTypeOf<Reserved>();
  else expectTypeOf(reserved.error).toEqualTypeOf<OutOfStock | Failure>();
  if (!reserved.ok && reserved.error instanceof OutOfStock) expectTypeOf(reserved.error).toEqualTypeOf<OutOfStock>();
}

async function verbs(verb: Verb): Promise<void> {
  expectTypeOf(system.tell(stock).reserve).toEqualTypeOf<(sku: string) => void>();
  expectTypeOf(system.offer(stock).reserve).toEqualTypeOf<(sku: string) => Promise<void>>();
  expectTypeOf(system.ask(stock).reserve).toEqualTypeOf<(sku: string) => Answer<Reserved, OutOfStock>>();
  expectTypeOf(system.via("ask", stock).reserve).toEqualTypeOf<(sku: string) => Answer<Reserved, OutOfStock>>();
  expectTypeOf(system.via("tell", stock).reserve).returns.toBeVoid();
  // The verb of a design is known when it runs: what comes back may be nothing.
  expectTypeOf(await system.via(verb, stock).reserve("mug")).toEqualTypeOf<Reserved | void>();

  // @ts-expect-error: the payload
  system.tell(stock).reserve(1);
  // @ts-expect-error: a missing payload
  system.tell(stock).reserve();
  // @ts-expect-error: the name
  system.ask(stock).reserv("mug");
  // @ts-expect-error: no verb
  system.via("shout", stock);
  // @ts-expect-error: tell waits for nothing
  system.tell(stock, { within: "1s" });
  // @ts-expect-error: no unit
  system.ask(stock, { within: "1 week" });
}

class Many {
  field = 3;
  arrow = (x: number) => x;
  none(): void {}
  optional(_a?: string): void {}
  defaulted(_a = 1): void {}
  two(_a: string, _b: string): void {}
  rest(..._a: string[]): void {}
  lastError(): Error | undefined {
    return undefined;
  }
  refusing(): void | OutOfStock {}
  _hidden(): void {}
  get accessor(): number {
    return 1;
  }
  get method() {
    return (x: number) => x;
  }
  protected inner(): void {}
  toString(): string {
    return "";
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function messages(many: Ref<Many>): void {
  const tell = system.tell(many);
  tell.none();
  tell.optional();
  tell.optional("a");
  tell.defaulted();
  tell.arrow(2);
  // TypeScript can not tell an accessor that returns a function from a method; it is turned away when it runs.
  tell.method(1);
  // Error is structurally a supertype of every refusal, and yet an answer.
  expectTypeOf(system.ask(many).lastError()).resolves.toEqualTypeOf<Error | undefined>();
  expectTypeOf(system.ask(many).refusing()).toEqualTypeOf<Answer<void, OutOfStock>>();

  // @ts-expect-error: two payloads
  tell.two("a", "b");
  // @ts-expect-error: a rest parameter
  tell.rest("a");
  // @ts-expect-error: a name that begins with _
  tell._hidden();
  // @ts-expect-error: protected
  tell.inner();
  // @ts-expect-error: a field
  tell.field;
  // @ts-expect-error: an accessor
  tell.accessor;
  // @ts-expect-error: a symbol
  tell[Symbol.asyncDispose]();
}

interface Payments {
  authorize(order: { id: string }): Reply<{ receipt: string }, Declined>;
}

class Fake {
  authorize(order: { id: string }) {
    return { receipt: order.id };
  }
}

class Bank {
  async authorize(order: { id: string }) {
    return order.id ? { receipt: order.id } : new Declined("no");
  }
  refund(): void {}
}

async function protocols(self: Self<Payments>): Promise<void> {
  const fake: Ref<Payments> = system.spawn(() => new Fake());
  const bank: Ref<Payments> = system.spawn(() => new Bank());
  const paid = await settle(system.ask(bank).authorize({ id: "1" }));
  if (paid.ok) expectTypeOf(paid.value.receipt).toBeString();
  else if (paid.error instanceof Declined) expectTypeOf(paid.error).toEqualTypeOf<Declined>();

  // In generic code the protocol is named first.
  const authorize = <P extends Payments>(to: Ref<P>) => {
    const payments: Ref<Payments> = to;
    return system.ask(payments).authorize({ id: "1" });
  };
  expectTypeOf(authorize(fake)).resolves.toEqualTypeOf<{ receipt: string }>();

  // @ts-expect-error: an inventory authorizes nothing
  const wrong: Ref<Payments> = stock;
  // @ts-expect-error: a Self is no Ref
  const inside: Ref<Payments> = self;
  // @ts-expect-error: whatever has a path is no Ref
  const lookalike: Ref<Payments> = { path: "/bank" };
  void [wrong, inside, lookalike];
}

interface Counter {
  add(n: number): void;
}

function factories(): void {
  const closure = (self: Self<Counter>): Counter => ({
    add(n) {
      self.tell(self.ref).add(n - 1);
      // @ts-expect-error: the name, inside the closure
      self.tell(self.ref).ad(1);
    },
  });
  const counter: Ref<Counter> = system.spawn(closure);

  // An actor whose closure does not name its own protocol may tell itself anything.
  const loose = system.spawn((self: Self) => ({ add: (n: number) => void self.tell(self.ref).add(n), total: () => 1 }));
  expectTypeOf(system.ask(loose).total()).resolves.toBeNumber();

  const asynchronous = system.spawn(async (self) => ({ at: (_label: string) => self.now() }));
  expectTypeOf(system.ask(asynchronous).at("a")).resolves.toBeNumber();

  // @ts-expect-error: a number is no actor
  system.spawn(() => 1);
  // @ts-expect-error: no such option
  system.spawn(closure, { mailbox: { size: 10 } });
  void counter;
}

/** Takes any message of P: the ref of such an actor is a ref of P. */
class Forwarder<P> {
  readonly #to: Ref<P>;
  constructor(to: Ref<P>) {
    this.#to = to;
  }
  [receive](message: Message<P>) {
    message.hold([this.#to]);
    return message.relay(this.#to);
  }
}

function receivers(): void {
  const forwarder = system.spawn(() => new Forwarder(stock));
  expectTypeOf(forwarder).toEqualTypeOf<Ref<Inventory>>();
  expectTypeOf(system.ask(forwarder).reserve).toEqualTypeOf<(sku: string) => Answer<Reserved, OutOfStock>>();
  // @ts-expect-error: not a message of the inventory
  system.tell(forwarder).authorize({ id: "1" });
}

void [settling, verbs, messages, protocols, factories, receivers];
