// From values to bytes and back, for whatever is kept or sent. JSON by default: a journal can then be read by people.

import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { messageOf } from "../../runtime/kernel/thenable.ts";
import { PackageMissing, Undecodable, Unencodable } from "./failure-journal.ts";

/** Both are synchronous. `decode(encode(v))` is a value that means the same as `v`. */
export interface Codec {
  /** Fails: Unencodable. */
  encode(value: unknown): Uint8Array;
  /** Fails: Undecodable. */
  decode(bytes: Uint8Array): unknown;
}

/** What of a Standard Schema (zod, valibot, arktype and others have it) is used. Source: standardschema.dev, version 1. */
export interface SchemaLike<out T = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<T> | Promise<Checked<T>>;
  };
}

type Checked<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * JSON in UTF-8.
 *
 * Promises: what it encodes it decodes to an equal value, but for these: properties that are `undefined` are left out,
 * -0 is 0, a `Date` (and whatever has `toJSON`) is what its `toJSON` gives, an object of a class is a plain object.
 * Fails: Unencodable, naming where, for what JSON would drop or change in silence: functions, symbols, `undefined` as a
 * whole or in an array, NaN and infinities, Map, Set, buffers; for BigInt and cycles. Undecodable for what is no JSON.
 * Cost: about twice JSON.stringify; more where it is deep or has a `toJSON`.
 */
export const jsonCodec: Codec = {
  encode: (value) => bytesOf(jsonOf(value)),
  decode(bytes) {
    try {
      return JSON.parse(decoder.decode(bytes)) as unknown;
    } catch (error) {
      throw new Undecodable(`${bytes.length} bytes are no JSON: ${reason(error)}.`, { cause: error });
    }
  },
};

/** What {@link jsonCodec} encodes in UTF-8. */
export function jsonOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = isPlain(value, 0) ? JSON.stringify(value) : JSON.stringify(value, keepable);
  } catch (error) {
    throw new Unencodable(`JSON can not hold the value${whereIn(value)}: ${reason(error)}.`, { cause: error });
  }
  if (text === undefined) throw new Unencodable(`JSON can not hold the value: ${notKept(value) ?? typeof value}.`);
  return text;
}

/** Nothing in it can be lost: a look of its own, as a replacer is called for each part. False when in doubt. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return value !== undefined && notKept(value) === undefined;
  if (depth === plainDepthMax) return false;
  const parent: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    if (parent !== Array.prototype || "toJSON" in value) return false;
    for (const one of value) if (!isPlain(one, depth + 1)) return false;
    return true;
  }
  if (parent !== Object.prototype && parent !== null) return false;
  for (const key in value) {
    const one = (value as Record<string, unknown>)[key];
    if (one !== undefined && !isPlain(one, depth + 1)) return false;
  }
  return true;
}

/** Deeper, or going round. */
const plainDepthMax = 16;

/** The encoder's call costs more than the bytes of a short text. */
export function bytesOf(text: string): Uint8Array {
  const { length } = text;
  if (length > shortMax) return encoder.encode(text);
  const bytes = new Uint8Array(length);
  let units = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    units |= unit;
    bytes[i] = unit;
  }
  return units < 128 ? bytes : encoder.encode(text);
}

const shortMax = 512;

function keepable(this: unknown, key: string, value: unknown): unknown {
  if (value === undefined && !Array.isArray(this)) return value;
  const found = notKept(value);
  if (found !== undefined) throw new Error(key === "" ? found : `${found} in ${JSON.stringify(key)}`);
  return value;
}

function notKept(value: unknown): string | undefined {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "bigint":
      return "a BigInt";
    case "number":
      return Number.isFinite(value) ? undefined : `${value}`;
    case "object":
      if (value instanceof Map) return "a Map: give [...map]";
      if (value instanceof Set) return "a Set: give [...set]";
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return "a buffer: give it as text";
      return undefined;
    default:
      return undefined;
  }
}

/** The path to the first thing that can not be kept; looked for only after it was found that there is one. */
function whereIn(value: unknown): string {
  const above = new Set<unknown>();
  const find = (one: unknown, path: string): string | undefined => {
    if (above.has(one) || notKept(one) !== undefined) return path;
    if (typeof one !== "object" || one === null || typeof (one as { toJSON?: unknown }).toJSON === "function")
      return undefined;
    above.add(one);
    for (const [key, part] of Object.entries(one)) {
      if (part === undefined && !Array.isArray(one)) continue;
      const found = find(part, Array.isArray(one) ? `${path}[${key}]` : `${path}.${key}`);
      if (found !== undefined) return found;
    }
    above.delete(one);
    return undefined;
  };
  try {
    const path = find(value, "");
    return path === undefined || path === "" ? "" : ` at ${path}`;
  } catch {
    return "";
  }
}

/** The first line, without a full stop. */
function reason(error: unknown): string {
  return (messageOf(error).split("\n")[0] ?? "").replace(/\.$/, "");
}

/**
 * MessagePack by the package msgpackr: Map, Set, Date, BigInt, NaN, cycles, buffers and `undefined` come back as they
 * were, but not -0. Half the bytes of JSON; not for people to read.
 *
 * Fails: PackageMissing; what it gives, with Unencodable (functions, symbols) and Undecodable.
 */
export async function msgpackCodec(): Promise<Codec> {
  let Packr: new (options: object) => { pack(value: unknown): Uint8Array; unpack(bytes: Uint8Array): unknown };
  try {
    ({ Packr } = (await import("msgpackr")) as unknown as { Packr: typeof Packr });
  } catch (error) {
    throw new PackageMissing("msgpackr", "2", "msgpackCodec", { cause: error });
  }
  const packr = new Packr({ structuredClone: true, moreTypes: true, useBigIntExtension: true });
  return {
    encode(value) {
      refuseCode(value, new Set());
      try {
        // A copy: the packer uses the memory again.
        return packr.pack(value).slice();
      } catch (error) {
        throw new Unencodable(`MessagePack can not hold the value: ${reason(error)}.`, { cause: error });
      }
    },
    decode(bytes) {
      try {
        return packr.unpack(bytes);
      } catch (error) {
        throw new Undecodable(`${bytes.length} bytes are no MessagePack: ${reason(error)}.`, { cause: error });
      }
    },
  };
}

/** The packer would drop these in silence. */
function refuseCode(value: unknown, seen: Set<unknown>): void {
  if (typeof value === "function" || typeof value === "symbol")
    throw new Unencodable(`MessagePack can not hold the value: a ${typeof value} in it.`);
  if (typeof value !== "object" || value === null || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value);
  for (const part of parts) refuseCode(part, seen);
}

/**
 * `codec`, with a schema at both edges: what is encoded is checked by it, what was decoded is what it gives, with its
 * defaults and conversions.
 *
 * Fails: InvalidOption, for what is no Standard Schema; what it gives, with Unencodable and Undecodable, naming the
 * first three issues, and for a schema that checks asynchronously.
 * Example: `validated(jsonCodec, z.object({ sku: z.string() }))`.
 */
export function validated<T>(codec: Codec, schema: SchemaLike<T>): Codec {
  const standard = (schema as SchemaLike | undefined)?.["~standard"];
  if (typeof standard?.validate !== "function")
    throw new InvalidOption("schema", schema, 'a Standard Schema, which has "~standard" (zod, valibot, arktype)');
  const check = (value: unknown, Kind: typeof Unencodable | typeof Undecodable): unknown => {
    const checked = standard.validate(value);
    if (checked instanceof Promise) {
      checked.catch(() => {});
      throw new Kind(`The schema of ${standard.vendor} checks asynchronously: give one that does not.`);
    }
    if (checked.issues === undefined) return checked.value;
    const issues = checked.issues.slice(0, 3).map(({ message, path = [] }) => {
      const keys = path.map((step) => (typeof step === "object" && step !== null && "key" in step ? step.key : step));
      return keys.length === 0 ? message : `${keys.join(".")}: ${message}`;
    });
    const more = checked.issues.length > 3 ? ` and ${checked.issues.length - 3} more` : "";
    throw new Kind(`The schema of ${standard.vendor} refuses the value: ${issues.join("; ")}${more}.`);
  };
  return {
    encode(value) {
      check(value, Unencodable);
      return codec.encode(value);
    },
    decode: (bytes) => check(codec.decode(bytes), Undecodable),
  };
}
