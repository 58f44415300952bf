// Arbitraries of plain data for a JSON Schema, draft 2020-12. A schema that contains itself ends after a few levels.

import fc from "fast-check";
import { canonical } from "./canonical.ts";
import {
  isOf,
  type Json,
  keywords,
  met,
  type Option,
  own,
  type Place,
  type Schema,
  strangers,
  type TypeName,
  typeNames,
} from "./keywords.ts";
import { type Bounds, type Made, number, text } from "./scalar.ts";
import { Tried, triesMax, unfit } from "./tried.ts";

const endless = Number.POSITIVE_INFINITY;
/** How often a schema may contain itself. */
const depthMax = 3;

/** Nothing fits a schema for which it gives undefined: as it is, or because it would contain itself too often. */
export class Maker {
  readonly #root: Json;
  readonly #reached = new Map<Schema, Set<Schema>>();
  readonly #made = new Map<Schema, Map<Schema, Made[]>>();

  constructor(root: Json) {
    this.#root = root;
  }

  /** Of the whole schema. Fails: InvalidOption, for what is not known here. */
  all(): Made {
    return this.#of(this.#root, { target: this.#root, left: depthMax }, "");
  }

  #of(schema: Schema, place: Place, at: string): Made {
    let ofSchema = this.#made.get(schema);
    if (ofSchema === undefined) this.#made.set(schema, (ofSchema = new Map()));
    let byDepth = ofSchema.get(place.target);
    if (byDepth === undefined) ofSchema.set(place.target, (byDepth = []));
    if (!(place.left in byDepth)) byDepth[place.left] = this.#make(schema, place, at);
    return byDepth[place.left];
  }

  #make(schema: Schema, place: Place, at: string): Made {
    const all = this.#options(schema, place, at, []);
    return oneOf(all.map((option) => this.#ofOption(option, at)));
  }

  /** All ways to fit `schema`; `seen` are the schemas that are referred to without a property or an item in between. */
  #options(schema: Schema, place: Place, at: string, seen: readonly Schema[]): Option[] {
    if (schema === true) return [{ schema: {}, place }];
    if (schema === false || schema["not"] === true) return [];
    const { not } = schema;
    if (typeof not === "object" && not !== null && Object.keys(not).length === 0) return [];
    const stranger = strangers.find((keyword) => schema[keyword] !== undefined);
    if (stranger !== undefined) throw unfit(at, `the keyword ${stranger}`, "a schema without it");
    const { $ref, allOf = [], anyOf, oneOf } = schema as { $ref?: string } & Record<string, readonly Schema[]>;
    let all: Option[] = [{ schema: own(schema, at), place }];
    const meet = (others: readonly Option[]) => {
      if (all.length * others.length > triesMax) throw unfit(at, "too many alternatives", `at most ${triesMax}`);
      all = all.flatMap((one) => others.flatMap((other) => met(one, other)));
    };
    if ($ref !== undefined) {
      const target = this.#resolve($ref, at);
      if (seen.includes(target)) throw unfit(at, "a $ref that leads to itself", "one that leads to a type");
      const left = this.#reach(target).has(place.target) ? place.left - 1 : depthMax;
      meet(left < 0 ? [] : this.#options(target, { target, left }, at, [...seen, target]));
    }
    for (const part of allOf) meet(this.#options(part, place, at, seen));
    for (const either of [anyOf, oneOf])
      if (either !== undefined) meet(either.flatMap((part) => this.#options(part, place, at, seen)));
    return all;
  }

  #resolve(ref: string, at: string): Schema {
    if (!/^#(\/|$)/.test(ref)) throw unfit(at, `the $ref ${ref}`, "a schema that refers to itself alone, by #/…");
    let found: unknown = this.#root;
    for (const part of decodeURIComponent(ref).split("/").slice(1))
      found = (found as Json | undefined)?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
    if (typeof found === "boolean" || (typeof found === "object" && found !== null)) return found as Schema;
    throw unfit(at, `the $ref ${ref} to nothing`, "a schema that has what it refers to");
  }

  /** What a schema refers to, and what that refers to, and so on. */
  #reach(from: Schema): Set<Schema> {
    const known = this.#reached.get(from);
    if (known !== undefined) return known;
    const reached = new Set<Schema>();
    const look = (part: unknown) => {
      if (typeof part !== "object" || part === null) return;
      const { $ref } = part as Json;
      if (typeof $ref === "string") {
        const target = this.#resolve($ref, "");
        if (!reached.has(target)) {
          reached.add(target);
          look(target);
        }
      }
      Object.values(part).forEach(look);
    };
    look(from);
    this.#reached.set(from, reached);
    return reached;
  }

  #ofOption({ schema, place }: Option, at: string): Made {
    const { type, enum: values } = schema as { type?: readonly TypeName[]; enum?: readonly unknown[] };
    if (values !== undefined) {
      const fitting = values.filter((value) => type === undefined || type.some((one) => isOf(value, one)));
      // Whoever is given an object may change it, or freeze it: it is not the schema's own.
      return fitting.length === 0 ? undefined : fc.constantFrom(...fitting).map((value) => structuredClone(value));
    }
    const types = type ?? typeNames.filter((one) => keywords[one].some((keyword) => schema[keyword] !== undefined));
    if (types.length === 0) return fc.jsonValue();
    return oneOf(types.map((one) => this.#ofType(one, schema, place, at)));
  }

  #ofType(type: TypeName, schema: Json, place: Place, at: string): Made {
    if (type === "null") return fc.constant(null);
    if (type === "boolean") return fc.boolean();
    if (type === "string") return text(schema, at);
    if (type === "array") return this.#array(schema, place, at);
    if (type === "object") return this.#object(schema, place, at);
    return number(schema, type === "integer", at);
  }

  #array(schema: Json, place: Place, at: string): Made {
    const { prefixItems = [], items, minItems: min = 0, maxItems: max = endless } = schema as ArraySchema;
    const most = place.left < depthMax ? Math.min(max, min + 2) : max;
    if (max < min) return undefined;
    const prefix = prefixItems.map((item, i) => this.#of(item, place, `${at}/prefixItems/${i}`));
    const gap = prefix.indexOf(undefined);
    const whole = Math.min(gap < 0 ? prefix.length : gap, max);
    const isOpen = whole === prefix.length && (min > whole || prefix.length === 0 || typeof items === "object");
    const item = isOpen ? this.#of(items ?? true, place, `${at}/items`) : undefined;
    const heads = prefix as fc.Arbitrary<unknown>[];
    if (item === undefined && min > whole) return undefined;
    const tails = {
      minLength: Math.max(0, min - whole),
      ...(most < endless && { maxLength: Math.max(0, most - whole) }),
    };
    const selector = { selector: canonical };
    if (prefix.length === 0 && item !== undefined)
      return schema["uniqueItems"] === true ? fc.uniqueArray(item, { ...tails, ...selector }) : fc.array(item, tails);
    const full = fc.tuple(...heads.slice(0, whole));
    const longest = item === undefined ? full : fc.tuple(full, fc.array(item, tails)).map((parts) => parts.flat());
    const shorter = Array.from({ length: schema["minItems"] === undefined ? 0 : Math.max(0, whole - min) }, (_, i) =>
      fc.tuple(...heads.slice(0, whole - 1 - i)),
    );
    const all = oneOf([longest, ...shorter])!;
    if (schema["uniqueItems"] !== true) return all;
    const isUnique = (found: unknown) =>
      new Set((found as unknown[]).map(canonical)).size === (found as unknown[]).length;
    return new Tried(all, isUnique, () => unfit(at, "items that are seldom unlike", "items with more values"));
  }

  #object(schema: Json, place: Place, at: string): Made {
    const {
      properties = {},
      required = [],
      additionalProperties: rest = true,
      propertyNames = true,
    } = schema as {
      properties?: Readonly<Record<string, Schema>>;
      required?: readonly string[];
      additionalProperties?: Schema;
      propertyNames?: Schema;
    };
    const { minProperties: min = 0, maxProperties: max = endless } = schema as Readonly<Bounds>;
    const model: Record<string, fc.Arbitrary<unknown>> = {};
    for (const name of new Set([...Object.keys(properties), ...required])) {
      const value = this.#of(
        Object.hasOwn(properties, name) ? properties[name]! : rest,
        place,
        `${at}/properties/${name}`,
      );
      if (value !== undefined) model[name] = value;
      else if (required.includes(name)) return undefined;
    }
    const named = fc.record(model, { requiredKeys: [...required], noNullPrototype: true });
    const isOpen = (typeof rest === "object" && Object.keys(rest).length > 0) || min > Object.keys(model).length;
    const value = isOpen ? this.#of(rest, place, `${at}/additionalProperties`) : undefined;
    const names = isOpen
      ? this.#of({ allOf: [{ type: "string" }, propertyNames] }, place, `${at}/propertyNames`)
      : undefined;
    let all: fc.Arbitrary<object> = named;
    if (value !== undefined && names !== undefined) {
      const keys = { minKeys: Math.max(0, min - required.length), ...(place.left < depthMax && { maxKeys: min + 2 }) };
      const others = fc.dictionary(names as fc.Arbitrary<string>, value, { ...keys, noNullPrototype: true });
      const isOther = ([name]: [string, unknown]) => !Object.hasOwn(properties, name) && !Object.hasOwn(model, name);
      all = fc
        .tuple(others, named)
        .map(([other, own]) => ({ ...Object.fromEntries(Object.entries(other).filter(isOther)), ...own }));
    }
    if (min === 0 && max === endless) return all;
    const fits = (found: unknown) =>
      Object.keys(found as object).length >= min && Object.keys(found as object).length <= max;
    return new Tried(all, fits, () => unfit(at, "objects with seldom so many properties", "wider bounds"));
  }
}

function oneOf(made: readonly Made[]): Made {
  const some = made.filter((one) => one !== undefined);
  return some.length < 2 ? some[0] : fc.oneof(...some);
}

interface ArraySchema {
  readonly prefixItems?: readonly Schema[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
}
