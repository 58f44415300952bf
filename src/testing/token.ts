// A failing case as text: to be pasted into a test, or kept in a file.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import type { Plan } from "../runtime/sim/explorer.ts";
import { checked, type Fault } from "../runtime/sim/fault.ts";
import { isPair } from "../runtime/sim/schedule.ts";
import { canonical } from "./canonical.ts";

const head = "antiphon1:";

/** What is played: the inputs of a property, and one run of it. */
export interface Played<I> {
  readonly inputs: I;
  readonly plan: Plan;
}

/** Undefined when the inputs are more than text can hold: functions, objects of a class. */
export function tokenOf<I>({ inputs, plan }: Played<I>): string | undefined {
  let text: string;
  try {
    const played = { inputs, plan: checkedPlan(plan) };
    text = JSON.stringify(played);
    if (canonical(JSON.parse(text)) !== canonical(played)) return undefined;
  } catch {
    return undefined;
  }
  return head + Buffer.from(text).toString("base64url");
}

/** Fails: InvalidOption, for a text that is no token, or not whole. */
export function fromToken<I>(token: string): Played<I> {
  const allowed = `${head} and what a failure printed behind it`;
  if (typeof token !== "string") throw new InvalidOption("token", token, allowed);
  const shown = token.length > 60 ? `${token.slice(0, 60)}…` : token;
  if (!token.startsWith(head)) throw new InvalidOption("token", shown, allowed);
  let played: (Partial<Played<I>> & { plan?: Partial<Plan> }) | null;
  try {
    played = JSON.parse(Buffer.from(token.slice(head.length), "base64url").toString());
  } catch {
    throw new InvalidOption("token", shown, `${allowed}, whole`);
  }
  if (played?.inputs === undefined) throw new InvalidOption("token", shown, `${allowed}, with inputs and a plan`);
  return { inputs: played.inputs, plan: checkedPlan(played.plan) };
}

/** Fails: InvalidOption. */
export function checkedPlan(plan: Partial<Plan> | undefined): Plan {
  const expect = (is: boolean, part: string, found: unknown, allowed: string) => {
    if (!is) throw new InvalidOption(`plan${part}`, found, allowed);
  };
  expect(typeof plan === "object" && plan !== null, "", plan, "a plan, as a failure has it");
  const { seed, time, faults = [], pairs = [], times } = plan as Partial<Plan>;
  for (const [part, found] of Object.entries({ seed, times }))
    expect(
      Number.isSafeInteger(found) || (found === undefined && part !== "seed"),
      `.${part}`,
      found,
      "a whole number",
    );
  expect(["windows", "des", "async"].includes(time as string), ".time", time, "windows, des or async");
  expect(Array.isArray(faults), ".faults", faults, "a list of faults");
  expect(Array.isArray(pairs), ".pairs", pairs, "a list of pairs");
  for (const pair of pairs) expect(isPair(pair), ".pairs", pair, "pairs with the names of two events, event and after");
  const rest = times === undefined ? {} : { times };
  return { seed: seed as number, time: time as Plan["time"], faults: faults.map(written), pairs, ...rest };
}

/** What never ends has no end: JSON knows no Infinity. Fails: InvalidOption. */
function written(fault: Fault): Fault {
  checked(fault);
  if (!("to" in fault) || fault.to !== Number.POSITIVE_INFINITY) return fault;
  const { to: _, ...endless } = fault;
  return checked(endless as Fault);
}
