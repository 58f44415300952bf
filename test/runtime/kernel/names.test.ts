// What is a message and what is not. Found by descriptors: no accessor of the user runs, whatever was spawned before.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { InvalidFactory, messagesOf, receive } from "antiphon";
import { describe, expect, test } from "vitest";
import { type Protocol, protocolOf, selector } from "../../../src/runtime/kernel/names.ts";

const of = (object: object, closed?: readonly string[]) => protocolOf(object, closed, { path: "/actor" });

function takes(protocol: Protocol, name: string): boolean {
  return protocol.takes[selector(name).id] === 1;
}

/** Fails the test when the accessor is run. */
function trap(): never {
  throw new Error("an accessor was run");
}

class Base {
  inherited() {}
  overridden() {}
}
class Service extends Base {
  readonly limit = 3;
  readonly onField = () => {};
  #hidden() {}
  declare extra: unknown;
  get price(): () => void {
    return trap();
  }
  set price(_: unknown) {
    trap();
  }
  static shared() {}
  public() {
    this.#hidden();
  }
  override overridden() {}
  protected kept() {}
  _internal() {}
  override toString() {
    return "service";
  }
  toJSON() {}
  async pay(_: number) {}
  *walk() {}
  [Symbol.asyncDispose]() {}
  "with space"() {}
  "7"() {}
}

describe("messagesOf", () => {
  const names = new Set(messagesOf(new Service()));

  const messages = ["inherited", "overridden", "onField", "public", "kept", "toJSON", "pay", "walk", "with space", "7"];
  test.each(messages)("lists %s", (name) => {
    expect(names).toContain(name);
  });

  test.each(["constructor", "toString", "limit", "price", "shared", "_internal", "hidden", "#hidden", "extra"])(
    "does not list %s",
    (name) => {
      expect(names).not.toContain(name);
    },
  );

  test("lists nothing else, and each name once", () => {
    expect([...messagesOf(new Service())].sort()).toEqual([...messages].sort());
  });

  test("finds the closures of a literal, methods, arrows and async functions alike", () => {
    const literal = { method() {}, arrow: () => {}, async waits() {}, data: 1, nothing: null };
    expect(messagesOf(literal)).toEqual(["method", "arrow", "waits"]);
  });

  test("never lists a name of Object.prototype, a name beginning with _, a symbol or then", () => {
    const object = { valueOf: () => 1, hasOwnProperty: () => true, _x() {}, [Symbol.iterator]() {}, then() {} };
    expect(messagesOf(object)).toEqual([]);
  });

  test("takes an object without a prototype", () => {
    expect(messagesOf(Object.assign(Object.create(null), { go() {} }))).toEqual(["go"]);
  });

  test("lists what is nearest: a method hidden by a field or an accessor is none", () => {
    class Shadow extends Base {
      override inherited = 5 as never;
    }
    expect(messagesOf(new Shadow())).toEqual(["overridden"]);
    const hidden = Object.defineProperty(new Base(), "overridden", { get: trap });
    expect(messagesOf(hidden)).toEqual(["inherited"]);
  });

  test("runs no accessor, own or inherited", () => {
    const object = Object.defineProperty({ go() {} }, "trapped", { get: trap, enumerable: true });
    expect(messagesOf(object)).toEqual(["go"]);
    expect(messagesOf(Object.create(object))).toEqual(["go"]);
  });
});

describe("the protocol of an object", () => {
  test("is shared by the objects of one class", () => {
    expect(of(new Service())).toBe(of(new Service()));
  });

  test("is shared by literals with the same functions under the same names, and by no others", () => {
    const make = () => ({ add() {}, total: 0 });
    expect(of(make())).toBe(of(make()));
    expect(of({ add() {}, total() {} })).not.toBe(of(make()));
    expect(takes(of({ add() {}, total() {} }), "total")).toBe(true);
    expect(takes(of(make()), "total")).toBe(false);
  });

  test("tells a data field from a function that other objects of the class have there", () => {
    class Flexible {
      act: unknown;
      constructor(act: unknown) {
        this.act = act;
      }
    }
    expect(takes(of(new Flexible(() => {})), "act")).toBe(true);
    expect(takes(of(new Flexible(7)), "act")).toBe(false);
    expect(takes(of(new Flexible(() => {})), "act")).toBe(true);
  });

  test.each<[string, () => object]>([
    ["a function", () => ({ quote() {}, other() {} })],
    ["data", () => ({ quote: 1, other() {} })],
  ])("runs no accessor where an earlier object had %s", (_, earlier) => {
    of(earlier());
    const object = {
      get quote(): () => void {
        return trap();
      },
      other() {},
    };
    expect(takes(of(object), "quote")).toBe(false);
    expect(takes(of(object), "other")).toBe(true);
  });

  test("is any name for [receive], also where an earlier object without it looked the same", () => {
    expect(of({})).toMatchObject({ receives: false, any: false });
    expect(of({ [receive]() {} })).toMatchObject({ receives: true, any: true, names: [] });
    expect(of({})).toMatchObject({ receives: false, any: false });
    expect(of({ [receive]() {}, listed() {} })).toMatchObject({ receives: true, any: true });
  });

  test("closed to some names takes these and no others", () => {
    const closed = ["public", "pay"];
    const protocol = of(new Service(), closed);
    expect(protocol.names).toEqual(closed);
    expect(takes(protocol, "pay")).toBe(true);
    expect(takes(protocol, "inherited")).toBe(false);
    expect(takes(of(new Service()), "inherited")).toBe(true);
  });

  test("closed to some names is for [receive] what it takes", () => {
    const protocol = of({ [receive]() {} }, ["pay"]);
    expect(protocol).toMatchObject({ receives: true, any: false, names: ["pay"] });
  });

  test("closed to a name that the object lacks is InvalidFactory, which names it", () => {
    expect(() => of(new Service(), ["pay", "refund"])).toThrow(InvalidFactory);
    expect(() => of(new Service(), ["pay", "refund"])).toThrow(/\/actor.*refund/);
    expect(() => of(new Service(), ["price"])).toThrow(InvalidFactory);
  });

  test("labels an unnamed actor after its class, a literal after nothing", () => {
    expect(of(new Service()).label).toBe("service");
    expect(of({ go() {} }).label).toBe("");
  });
});

describe("a selector", () => {
  test("is one per name, with an id that is never reused", () => {
    const one = selector("selector-one");
    expect(selector("selector-one")).toBe(one);
    expect(selector("selector-two").id).toBeGreaterThan(one.id);
  });
});

describe("the call of a selector", () => {
  test.each([
    ["where code may be made from strings", []],
    ["where none may", ["--disallow-code-generation-from-strings"]],
  ])(
    "calls the method of its name, whatever that is, %s",
    async (_, flags) => {
      const args = [...flags, "--import", "tsx", "test/fixtures/call.ts"];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const { makesCode, called } = JSON.parse(stdout) as { makesCode: boolean; called: Record<string, boolean> };
      expect(makesCode).toBe(flags.length === 0);
      expect(Object.keys(called).length).toBeGreaterThan(5);
      expect(Object.entries(called).filter(([, isRight]) => !isRight)).toEqual([]);
    },
    30_000,
  );

  test("calls what is there now", () => {
    const { call } = selector("become");
    const actor = { become: () => "one" };
    const one = selector("become");
    expect(one.call(actor, undefined)).toBe("one");
    actor.become = () => "other";
    expect(one.call(actor, undefined)).toBe("other");
    expect(one.call).not.toBe(call);
    expect(() => one.call({}, undefined)).toThrow(TypeError);
  });
});
