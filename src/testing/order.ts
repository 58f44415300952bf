// Whether what one actor sent to another came in the order in which it was sent (D1).

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { listed, type Verdict } from "./verdict.ts";

/** One message that was delivered. */
export interface Delivery {
  readonly from: string;
  readonly to: string;
  /** Greater than those of all that `from` sent to `to` before; what was lost leaves a gap. */
  readonly seq: number;
}

export interface OrderedOptions {
  /** A message may come again, also late, as duplicates do; false by default. */
  readonly allowRepeats?: boolean | undefined;
}

/** A message that came too late. */
interface Overtaken<D> {
  readonly delivery: D;
  /** It was sent later and came earlier; where several did, the one that was sent last. */
  readonly after: D;
}

export type Order<D> = Verdict<{ overtaken: readonly Overtaken<D>[]; repeated: readonly D[] }>;

/** What came so far from one actor to another. */
interface Pair<D> {
  last: D | undefined;
  readonly seen: Set<number>;
}

/**
 * Judges deliveries, given in the order in which they came: did each come after all that its sender had sent to the same
 * receiver before it, and once?
 *
 * Promises: says nothing of messages of different pairs, nor of those that never came. One that comes again is repeated
 * and not overtaken, wherever it comes.
 * Fails: InvalidOption, for a `seq` that is no number.
 * Cost: O(n), in time and memory.
 * Example: `expect(ordered(log)).toMatchObject({ ok: true })`, for a log to which each handler adds
 * `{ from: self.message!.sender!.path, to: self.path, seq }`, with a `seq` that its sender counts.
 */
export function ordered<D extends Delivery>(deliveries: Iterable<D>, options: OrderedOptions = {}): Order<D> {
  const pairs = new Map<string, Map<string, Pair<D>>>();
  const overtaken: Overtaken<D>[] = [];
  const repeated: D[] = [];
  let count = 0;
  for (const delivery of deliveries) {
    const { seq } = delivery;
    if (typeof seq !== "number" || Number.isNaN(seq))
      throw new InvalidOption(`deliveries[${count}].seq`, seq, "a number");
    count++;
    const pair = pairOf(pairs, delivery);
    if (pair.seen.has(seq)) repeated.push(delivery);
    else {
      pair.seen.add(seq);
      if (pair.last === undefined || seq > pair.last.seq) pair.last = delivery;
      else overtaken.push({ delivery, after: pair.last });
    }
  }
  if (overtaken.length === 0 && (repeated.length === 0 || options.allowRepeats === true))
    return { ok: true, text: `In order: ${count} deliveries.` };
  return { ok: false, overtaken, repeated, text: textOf(count, overtaken, options.allowRepeats ? [] : repeated) };
}

function pairOf<D extends Delivery>(pairs: Map<string, Map<string, Pair<D>>>, { from, to }: D): Pair<D> {
  let of = pairs.get(from);
  if (of === undefined) pairs.set(from, (of = new Map()));
  let pair = of.get(to);
  if (pair === undefined) of.set(to, (pair = { last: undefined, seen: new Set() }));
  return pair;
}

function textOf(count: number, overtaken: readonly Overtaken<Delivery>[], repeated: readonly Delivery[]): string {
  const link = ({ from, to }: Delivery) => `${from}>${to}`;
  return listed(`Of ${count} deliveries ${overtaken.length} were overtaken and ${repeated.length} repeated`, [
    ...overtaken.map(({ delivery, after }) => `${link(delivery)}: ${delivery.seq} came after ${after.seq}`),
    ...repeated.map((delivery) => `${link(delivery)}: ${delivery.seq} came again`),
  ]);
}
