// What a system prints by itself: one line for each event that should not go unnoticed. Nothing fails in silence.

import { isOf, messageOf } from "../kernel/thenable.ts";
import type { SystemEvent } from "../kernel/verbs.ts";

/** A kind that repeats is printed the first time and then each time its count reaches a power of ten. */
export function printReport(print: (line: string) => void = console.error): (event: SystemEvent) => void {
  const seen = new Map<string, number>();
  return (event) => {
    const line = lineOf(event);
    if (line === undefined) return;
    const kind = kindOf(event);
    const count = (seen.get(kind) ?? 0) + 1;
    if (seen.size >= kindsMax) seen.clear();
    seen.set(kind, count);
    if (event.kind === "crashed" || event.kind === "system-failed" || /^10*$/.test(String(count)))
      print(
        count === 1 || event.kind === "crashed" || event.kind === "system-failed" ? line : `${line} (${count} times)`,
      );
  };
}

const kindsMax = 1_000;
/** An error can be its own cause. */
const causesMax = 8;

function kindOf(event: SystemEvent): string {
  const type = "type" in event ? event.type : "bound" in event ? event.bound : "";
  return `${event.kind} ${event.path} ${type} ${event.kind === "dead-letter" ? event.reason : ""}`;
}

function lineOf(event: SystemEvent): string | undefined {
  switch (event.kind) {
    case "crashed": {
      const offender = event.offender?.sender === undefined ? "" : ` from ${event.offender.sender.path}`;
      return `antiphon: ${event.path} crashed in ${event.context}${offender}; ${event.supervisor} says ${event.directive}: ${stackOf(event.reason)}`;
    }
    case "system-failed":
      return `antiphon: ${messageOf(event.reason)}`;
    case "dead-letter":
      return `antiphon: dead letter: ${event.type} to ${event.to} from ${event.from ?? "outside"} (${event.reason})`;
    case "unheard":
      return `antiphon: unheard: ${event.type} of ${event.path}, sent by ${event.from ?? "outside"}, failed and nobody waited: ${nameOf(event.reason)}`;
    case "straggler":
      return `antiphon: ${event.path} went on without its ${event.type}, unfinished after ${Math.round(event.ageMs)} ms. Let it watch self.signal.`;
    case "holding":
      return `antiphon: ${event.path} kept ${event.waiting} messages waiting for ${Math.round(event.heldMs)} ms while ${event.type} asked ${event.edge}. It handles one at a time: raise its concurrency, or tell instead of ask.`;
    case "bound":
      return `antiphon: ${event.path} reached ${event.bound}: ${event.limit}`;
    default:
      return undefined;
  }
}

/** Name and message of an error, else the value as text. What throws when it is read is shown as such. */
function nameOf(reason: unknown): string {
  return isOf(reason, Error) ? read(() => `${reason.name}: ${reason.message}`, "an error") : messageOf(reason);
}

/** With its stack and the chain of its causes, as far as they can be read. */
function stackOf(reason: unknown, depth = 0): string {
  if (!isOf(reason, Error)) return nameOf(reason);
  const stack =
    read(() => (reason.stack === undefined ? undefined : String(reason.stack)), undefined) ?? nameOf(reason);
  const cause = read(() => reason.cause, undefined);
  if (cause === undefined) return stack;
  return depth === causesMax ? `${stack}\n  caused by more` : `${stack}\n  caused by ${stackOf(cause, depth + 1)}`;
}

function read<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}
