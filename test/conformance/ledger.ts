// Looks at the books (D3) at any moment, also in handlers and listeners.

import type { Kit } from "./world.ts";

/** Collects what is found out of balance: an exception would end up as a crash, or silence a listener. */
export class Ledger {
  readonly #kit: Kit;
  readonly found: unknown[] = [];
  looks = 0;

  constructor(kit: Kit) {
    this.#kit = kit;
    kit.system.events(() => this.look());
  }

  look(): void {
    this.looks++;
    try {
      this.#kit.conserve();
    } catch (error) {
      this.found.push(error);
    }
  }
}
