// What keeps a run from being repeated, and who did it. Told once, however often it happens.

import type { Difference } from "./difference.ts";
import { type Leak, NotReproducible } from "./failure.ts";

const leaksKept = 1_000;

export class Leaks {
  readonly found: Leak[] = [];

  /** A clock, a draw or a timer of the host was used. */
  used(path: string, type: string, what: string, instead: string): NotReproducible {
    return this.#add({ path, type, what }, `used ${what}`, `use ${instead}`);
  }

  /** A promise was waited for that nothing in the world settles. */
  foreign(path: string, type: string): NotReproducible {
    const what = "a promise from outside";
    return this.#add({ path, type, what }, `awaits ${what}`, "simulate where it comes from");
  }

  /** A verb was used in a step of another actor, or in none. */
  stray(path: string): NotReproducible {
    const what = "its self outside of a turn of its own";
    return this.#add({ path, type: "", what }, `used ${what}`, "give the promise to self.pipeToSelf");
  }

  /** Two runs of one seed went apart. */
  differs({ path, name, where }: Difference): NotReproducible {
    return this.#note(
      { path, type: name, what: "something that another run had changed" },
      `Two runs of one seed differ, ${where}\nSomething outlives a run, such as a variable of a module, or comes from outside, such as a clock.`,
    );
  }

  #add(leak: Leak, did: string, remedy: string): NotReproducible {
    const handling = leak.type === "" ? "" : ` in ${leak.type}`;
    return this.#note(leak, `${leak.path} ${did}${handling}: the run can not be repeated. Instead, ${remedy}.`);
  }

  #note(leak: Leak, message: string): NotReproducible {
    const { path, type, what } = leak;
    const isKnown = this.found.some((one) => one.path === path && one.type === type && one.what === what);
    if (!isKnown && this.found.length < leaksKept) this.found.push(leak);
    return new NotReproducible(leak, message);
  }
}
