import { Timed } from "../../../src/runtime/kernel/operation.ts";

/** Does nothing when it comes due; some are of the background, as repeating timers are. */
export class Alarm extends Timed {
  readonly n: number;

  constructor(n: number) {
    super();
    this.n = n;
  }

  override get background(): boolean {
    return this.n % 4 === 1;
  }

  due(): void {}
}
