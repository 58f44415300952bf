import type { Self, System } from "antiphon";

/** Lets the world go on until `holds`: for what comes later than the last message. */
export async function until(system: System, holds: () => boolean): Promise<void> {
  const napper = system.spawn((self: Self) => ({ nap: () => self.sleep(1) }));
  // However quickly its time goes by.
  while (!holds()) await system.ask(napper, { within: Number.POSITIVE_INFINITY }).nap();
}
