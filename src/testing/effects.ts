// Whether each request had its effect once, however often it was sent, and each of its replies said the same.

import { canonical } from "./canonical.ts";
import { listed, show, type Verdict } from "./verdict.ts";

export interface Effects<Id, Effect, Reply> {
  /** What was done, and for which request. */
  readonly effects: Iterable<{ readonly id: Id; readonly effect: Effect }>;
  /** What clients were told; of refusals only those that leave an effect behind. */
  readonly replies?: Iterable<{ readonly id: Id; readonly reply: Reply }> | undefined;
  /** Each of these has one effect, and nothing else has any. By default nothing is known of what was requested. */
  readonly requested?: Iterable<Id> | undefined;
  /** Those whose outcome is unknown: each of these has one effect or none. */
  readonly unknown?: Iterable<Id> | undefined;
}

export type ExactlyOnce<Id, Effect, Reply> = Verdict<{
  /** Without an effect. */
  missing: readonly Id[];
  /** With more than one. */
  repeated: readonly { readonly id: Id; readonly effects: readonly Effect[] }[];
  /** Not requested, and yet with effects or replies. */
  unrequested: readonly Id[];
  /** With replies that differ. */
  contradicted: readonly { readonly id: Id; readonly replies: readonly Reply[] }[];
}>;

/**
 * Judges what was done and said: has each id that was requested, or replied to, exactly one effect, and is every reply to
 * it the same?
 *
 * Promises: replies are the same when they are plain data and hold the same, when they are errors of one name, or when
 * they are one object.
 * Cost: O(n), with a text of each reply.
 * Example: `expect(exactlyOnce({ effects: paid, replies, requested: orders })).toMatchObject({ ok: true })`.
 */
export function exactlyOnce<Id extends string | number | bigint, Effect, Reply>(
  seen: Effects<Id, Effect, Reply>,
): ExactlyOnce<Id, Effect, Reply> {
  const effects = byId(seen.effects, ({ effect }) => effect);
  const replies = byId(seen.replies ?? [], ({ reply }) => reply);
  const unknown = new Set(seen.unknown);
  const requested = seen.requested && new Set(seen.requested);
  const happened = new Set([...effects.keys(), ...replies.keys()]);
  const due = requested ?? happened;
  const missing = [...due].filter((id) => !effects.has(id) && !unknown.has(id));
  const unrequested = [...happened].filter((id) => !due.has(id) && !unknown.has(id));
  const repeated = [...effects].flatMap(([id, list]) => (list.length > 1 ? [{ id, effects: list }] : []));
  const contradicted = [...replies].flatMap(([id, list]) => (areSame(list) ? [] : [{ id, replies: list }]));
  const text = [
    ...repeated.map(({ id, effects: list }) => `${id} has ${list.length} effects: ${shown(list)}`),
    ...missing.map((id) => `${id} has no effect${replies.has(id) ? `, and was told ${shown(replies.get(id)!)}` : ""}`),
    ...unrequested.map((id) => `${id} was not requested`),
    ...contradicted.map(({ id, replies: list }) => `${id} was told ${shown(list)}`),
  ];
  if (text.length === 0) return { ok: true, text: `Exactly once: ${due.size} requests.` };
  const head = "Not exactly once, with one effect and equal replies for each request";
  return { ok: false, missing, repeated, unrequested, contradicted, text: listed(head, text) };
}

function byId<Noted extends { readonly id: unknown }, V>(
  noted: Iterable<Noted>,
  of: (one: Noted) => V,
): Map<Noted["id"], V[]> {
  const found = new Map<Noted["id"], V[]>();
  for (const one of noted) {
    const list = found.get(one.id);
    if (list === undefined) found.set(one.id, [of(one)]);
    else list.push(of(one));
  }
  return found;
}

function areSame(replies: readonly unknown[]): boolean {
  if (replies.length < 2) return true;
  const [first, ...others] = replies.map((reply) => ({ reply, key: keyOf(reply) }));
  return others.every(({ reply, key }) => (key === undefined ? Object.is(reply, first!.reply) : key === first!.key));
}

/** Undefined for what only is the same as itself. */
function keyOf(reply: unknown): string | undefined {
  // As in linearizable: texts of refusals are for people.
  if (reply instanceof Error) return `error ${reply.name}`;
  try {
    return canonical(reply);
  } catch {
    return undefined;
  }
}

const shownMax = 3;

function shown(values: readonly unknown[]): string {
  const more = values.length - shownMax;
  return `${values.slice(0, shownMax).map(show).join(" and ")}${more > 0 ? ` and ${more} more` : ""}`;
}
