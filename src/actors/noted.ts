// What goes on inside of an actor, as far as a library knows it, beside what the runtime sees: for traces.

import { Incarnation } from "../runtime/kernel/self.ts";
import type { Self } from "../runtime/kernel/verbs.ts";

/** A line of the trace, if there is one. `text` is called only then, and gives one of few texts: they are kept as names. */
export function note(self: Self, text: () => string): void {
  if (!(self instanceof Incarnation)) return;
  const { cell } = self;
  const { observer } = cell.core;
  if (observer !== undefined && self.live) observer("noted", cell, text(), cell);
}
