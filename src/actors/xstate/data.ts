// What of a machine's context is data.

/** A copy where there is an actor of XState in it, which no other actor may have: its id. Else the value itself. */
export function dataOf(value: unknown): unknown {
  if (!isObject(value)) return value;
  if ("sessionId" in value && "send" in value && "ref" in value) return { id: (value as { id?: unknown }).id };
  if (!isPlain(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, inner] of Object.entries(value)) {
    const data = dataOf(inner);
    if (data === inner) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = data;
  }
  return copy ?? value;
}

/** Plain objects and arrays anew, as XState writes into what it restores; anything else, a ref too, stays itself. */
export function copyOf(value: unknown): unknown {
  if (!isObject(value) || !isPlain(value)) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)]));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
