// What keeps an actor busy until the test says so: no test waits for a clock.

import { type Message, type Ref, receive, type Self, type System } from "antiphon";

/** Answers `wait` only after `open`. */
export interface Latch {
  wait(): void;
  open(): void;
}

export function latch(): { [receive](m: Message<Latch>): void } {
  const held: Message<Latch>[] = [];
  let open = false;
  return {
    [receive](m) {
      if (m.type === "open") {
        open = true;
        for (const one of held) one.answer(undefined);
      } else if (!open) {
        held.push(m);
        m.hold();
      }
    },
  };
}

/** Takes notes; after `block` it takes none until its latch opens. */
export interface Notebook {
  block(): Promise<void>;
  note(n: number): number;
}

export function notebook(log: number[], latch: Ref<Latch>): (self: Self) => Notebook {
  return (self) => ({
    block: () => self.ask(latch, { within: Number.POSITIVE_INFINITY }).wait(),
    note(n) {
      log.push(n);
      return n;
    },
  });
}

/** Resolves when `ref`, which handles one message at a time, has begun to block. */
export async function begun(system: System, ref: Ref<{ block(): unknown }>): Promise<void> {
  system.tell(ref).block();
  const watcher = system.spawn((self: Self) => ({
    async look() {
      while (system.census(ref).running === 0) await self.sleep(1);
    },
  }));
  await system.ask(watcher).look();
}
