// Which messages an object takes: found once per class by descriptors, never by running an accessor.

import { InvalidFactory } from "./failure.ts";
import { receive } from "./protocol.ts";

type Call = (this: Selector, to: object, payload: unknown) => unknown;

/** A message name known in this process. Ids are dense and never reused. */
export class Selector {
  readonly name: string;
  readonly id: number;
  /** Calls the method of this name. Compiled by the first call, which many names never see. */
  call: Call = firstCall;

  constructor(name: string, id: number) {
    this.name = name;
    this.id = id;
  }
}

function firstCall(this: Selector, to: object, payload: unknown): unknown {
  this.call = callOf(this.name);
  return this.call(to, payload);
}

/** Code of its own for each name: a site that calls methods of all names finds each of them by a search (D-045). */
function callOf(name: string): Call {
  const key = JSON.stringify(name);
  try {
    return new Function("to", "payload", `return to[${key}](payload); //# sourceURL=antiphon:call`) as Call;
  } catch {
    // No code may be made from strings in this process.
    return (to, payload) => ((to as Record<string, unknown>)[name] as (payload: unknown) => unknown)(payload);
  }
}

/** What an object takes. Shared by all objects of one class with the same own functions. */
export class Protocol {
  readonly names: readonly string[];
  /** By selector id: 1 where the message is taken. */
  readonly takes: Uint8Array;
  /** The object has `[receive]`. */
  readonly receives: boolean;
  /** Any name is taken: `[receive]` without declared names. */
  readonly any: boolean;
  /** What an unnamed actor of this kind is called. */
  readonly label: string;

  constructor(names: readonly string[], receives: boolean, any: boolean, label: string) {
    const ids = names.map((name) => selector(name).id);
    this.names = names;
    this.takes = new Uint8Array(Math.max(0, ...ids) + 1);
    for (const id of ids) this.takes[id] = 1;
    this.receives = receives;
    this.any = any;
    this.label = label;
  }
}

const selectors = new Map<string, Selector>();
const listeners: ((selector: Selector) => void)[] = [];

/** Calls `listener` for every name known now or later. */
export function onSelector(listener: (selector: Selector) => void): void {
  listeners.push(listener);
  for (const one of selectors.values()) listener(one);
}

export function selector(name: string): Selector {
  const known = selectors.get(name);
  if (known !== undefined) return known;
  const made = new Selector(name, selectors.size);
  selectors.set(name, made);
  for (const listener of listeners) listener(made);
  return made;
}

/** A name that can be a message at all. */
export function isMessageName(name: unknown): name is string {
  return typeof name === "string" && name !== "then" && !name.startsWith("_") && !(name in Object.prototype);
}

/** The names of the messages that `object` takes when it is an actor. */
export function messagesOf(object: object): readonly string[] {
  return [...membersOf(object)].flatMap(([name, kind]) => (kind === "function" ? [name] : []));
}

type Own = "function" | "data" | "accessor";

/** What could be a message by its name, its own before what it inherits. */
function membersOf(object: object): ReadonlyMap<string, Own> {
  const found = new Map<string, Own>();
  for (let at: object | null = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at))
      if (isMessageName(name) && !found.has(name)) found.set(name, kindOf(at, name));
  return found;
}

interface Variant {
  readonly keys: readonly string[];
  readonly kinds: readonly Own[];
  readonly receives: boolean;
  readonly closed: readonly string[] | undefined;
  readonly protocol: Protocol;
}
const variants = new WeakMap<object, Variant[]>();
const variantsMax = 100;

/**
 * The protocol of `object`, closed to `closed` if given. Objects of one prototype with the same own keys, of which the
 * same are functions, share one; the look-up then costs a walk over the own keys.
 * Fails: InvalidFactory, when a declared name is missing.
 */
export function protocolOf(
  object: object,
  closed: readonly string[] | undefined,
  of: { readonly path: string },
): Protocol {
  const prototype: object = Object.getPrototypeOf(object) ?? Object.prototype;
  let list = variants.get(prototype);
  if (list === undefined) variants.set(prototype, (list = []));
  const receives = hasReceive(object);
  for (const variant of list)
    if (variant.closed === closed && variant.receives === receives && fits(variant, object)) return variant.protocol;
  const protocol = scan(object, receives, closed, of);
  const keys = Object.keys(object);
  if (list.length < variantsMax)
    list.push({ keys, kinds: keys.map((key) => kindOf(object, key)), receives, closed, protocol });
  return protocol;
}

function hasReceive(object: object): boolean {
  return typeof (object as { [receive]?: unknown })[receive] === "function";
}

/**
 * Literals by descriptors, as the scan: one's accessor may be another's data. The fields of a class are what they were
 * in its first object, and reading them makes no garbage.
 */
function fits(variant: Variant, object: object): boolean {
  const isLiteral = Object.getPrototypeOf(object) === Object.prototype;
  let own = 0;
  // Object.keys would make a list for each actor.
  for (const key in object) {
    if (!Object.hasOwn(object, key)) continue;
    const kind = variant.kinds[own];
    if (variant.keys[own++] !== key) return false;
    if (isLiteral || kind === "accessor") {
      if (kindOf(object, key) !== kind) return false;
    } else if ((typeof (object as Record<string, unknown>)[key] === "function") !== (kind === "function")) return false;
  }
  return own === variant.keys.length;
}

function kindOf(object: object, key: string): Own {
  const found = Object.getOwnPropertyDescriptor(object, key);
  if (found?.get !== undefined || found?.set !== undefined) return "accessor";
  return typeof found?.value === "function" ? "function" : "data";
}

/** What actors can be called after a class or factory of this name; empty when they can not. */
export function labelFrom(name: unknown): string {
  if (typeof name !== "string" || !/^[^\s/>:#~]{1,100}$/.test(name)) return "";
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function scan(
  object: object,
  receives: boolean,
  closed: readonly string[] | undefined,
  of: { readonly path: string },
): Protocol {
  const own = messagesOf(object);
  // The types list more than it takes: accessors, and what is not declared. Known names are turned away by the
  // receiver, where others are a TypeError of the sender.
  for (const [name, kind] of membersOf(object)) if (kind !== "data") selector(name);
  if (closed !== undefined && !receives) {
    const missing = closed.filter((name) => !own.includes(name));
    if (missing.length > 0)
      throw new InvalidFactory(
        of.path,
        `an object without ${missing.join(", ")}`,
        "SpawnOptions.messages names them: add the methods or take the names out.",
      );
  }
  const { name } = object.constructor ?? {};
  const label = name === "Object" ? "" : labelFrom(name);
  const names = closed ?? (receives ? [] : own);
  return new Protocol(names, receives, receives && closed === undefined, label);
}
