// A list that is filled at one end and emptied at the other: messages that an actor keeps until it can go on with them.

/** What is taken is forgotten at once; the room it had is given back now and then, so that each step is short. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.length === 0) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The first item of which `is` holds, taken out. */
  take(is: (item: T) => boolean): T | undefined {
    for (let at = this.#head; at < this.#items.length; at++) {
      const item = this.#items[at] as T;
      if (!is(item)) continue;
      if (at === this.#head) return this.shift();
      this.#items.splice(at, 1);
      return item;
    }
    return undefined;
  }

  /** Everything, oldest first, taken out. */
  drain(): T[] {
    const all = this.#items.slice(this.#head) as T[];
    this.#items = [];
    this.#head = 0;
    return all;
  }
}
