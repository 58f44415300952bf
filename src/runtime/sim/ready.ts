// Actors that can start something, the one first whose oldest message or turn was posted first: a binary heap.

import type { Cell } from "../kernel/cell.ts";

export class Ready {
  readonly #cells: Cell[] = [];
  readonly #orders: number[] = [];

  get length(): number {
    return this.#cells.length;
  }

  /** The order of posting of the first; Infinity when there is none. */
  order: number = Number.POSITIVE_INFINITY;

  get first(): Cell | undefined {
    return this.#cells[0];
  }

  add(cell: Cell, order: number): void {
    const cells = this.#cells;
    const orders = this.#orders;
    let place = cells.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if ((orders[parent] as number) <= order) break;
      cells[place] = cells[parent] as Cell;
      orders[place] = orders[parent] as number;
      place = parent;
    }
    cells[place] = cell;
    orders[place] = order;
    this.order = orders[0] as number;
  }

  take(): Cell | undefined {
    const cells = this.#cells;
    const orders = this.#orders;
    const first = cells[0];
    const cell = cells.pop();
    const order = orders.pop() as number;
    if (cell === undefined || cells.length === 0) {
      this.order = Number.POSITIVE_INFINITY;
      return first;
    }
    let place = 0;
    for (let child = 1; child < cells.length; child = 2 * place + 1) {
      if (child + 1 < cells.length && (orders[child + 1] as number) < (orders[child] as number)) child++;
      if ((orders[child] as number) >= order) break;
      cells[place] = cells[child] as Cell;
      orders[place] = orders[child] as number;
      place = child;
    }
    cells[place] = cell;
    orders[place] = order;
    this.order = orders[0] as number;
    return first;
  }

  clear(): void {
    this.#cells.length = 0;
    this.#orders.length = 0;
    this.order = Number.POSITIVE_INFINITY;
  }
}
