// The rows of two that play while others are there, of messages that wander, and of timers, on Antiphon.

import { createSystem, type Ref, type Self, type System, type Timer } from "antiphon";
import { expectEqual, type Prepared, type Subject, signal, sizes, xorshift } from "../rows.ts";

class Ponger {
  readonly self: Self;
  pinger: Ref<Pinger> | undefined;

  constructor(self: Self) {
    this.self = self;
  }

  meet(pinger: Ref<Pinger>): void {
    this.pinger = pinger;
  }

  ping(left: number): void {
    if (this.pinger !== undefined) this.self.tell(this.pinger).pong(left);
  }
}

class Pinger {
  readonly self: Self;
  readonly ponger: Ref<Ponger>;
  readonly ended: () => void;
  pongs = 0;

  constructor(self: Self, ponger: Ref<Ponger>, ended: () => void) {
    this.self = self;
    this.ponger = ponger;
    this.ended = ended;
  }

  pong(left: number): void {
    this.pongs++;
    if (left === 0) this.ended();
    else this.self.tell(this.ponger).ping(left - 1);
  }

  count(): number {
    return this.pongs;
  }
}

class Wanderer {
  readonly self: Self;
  readonly crowd: readonly Ref<Wanderer>[];
  readonly draw: (below: number) => number;
  readonly ended: () => void;

  constructor(self: Self, crowd: readonly Ref<Wanderer>[], draw: (below: number) => number, ended: () => void) {
    this.self = self;
    this.crowd = crowd;
    this.draw = draw;
    this.ended = ended;
  }

  hop(left: number): void {
    if (left === 0) this.ended();
    else this.self.tell(this.crowd[this.draw(this.crowd.length)] as Ref<Wanderer>).hop(left - 1);
  }
}

class Idler {
  hear(): void {}
}

/** Arms a timer when it is told to. */
class Sleeper {
  readonly self: Self;
  readonly ms: number;
  readonly ended: (fired: boolean) => void;
  timer: Timer | undefined;

  constructor(self: Self, ms: number, ended: (fired: boolean) => void) {
    this.self = self;
    this.ms = ms;
    this.ended = ended;
  }

  arm(): void {
    this.timer = this.self.after(this.ms, () => this.ended(true));
  }

  cancel(): void {
    this.timer?.cancel();
    this.ended(false);
  }
}

/** `run` may be called again. */
function pingPong(system: System, rounds: number): Prepared {
  let end = signal();
  const ponger = system.spawn((self) => new Ponger(self));
  const pinger = system.spawn((self) => new Pinger(self, ponger, () => end.reach()));
  system.tell(ponger).meet(pinger);
  let before = 0;
  return {
    run() {
      end = signal();
      system.tell(ponger).ping(rounds);
      return end.reached;
    },
    async check() {
      const pongs = await system.ask(pinger).count();
      expectEqual("pongs", pongs - before, rounds + 1);
      before = pongs;
    },
  };
}

/** Messages that go from actor to actor; each receiver is drawn. */
function wander(actors: number) {
  const system = createSystem();
  const draw = xorshift(7);
  const refs: Ref<Wanderer>[] = [];
  let end = signal();
  let left = 0;
  const ended = () => {
    if (--left === 0) end.reach();
  };
  for (let i = 0; i < actors; i++) refs.push(system.spawn((self) => new Wanderer(self, refs, draw, ended)));
  return {
    send(messages: number, atOnce: number): Prepared {
      let before = system.census().handled;
      return {
        run() {
          end = signal();
          left = atOnce;
          for (let i = 0; i < atOnce; i++) system.tell(refs[i % actors] as Ref<Wanderer>).hop(messages / atOnce - 1);
          return end.reached;
        },
        check() {
          const { handled } = system.census();
          expectEqual("messages", handled - before, messages);
          before = handled;
        },
      };
    },
    /** One message to each: what the first one brings is not what a message costs. */
    async touch() {
      for (let from = 0; from < actors; from += sizes.touched) {
        const some = refs.slice(from, from + sizes.touched);
        end = signal();
        left = some.length;
        for (const ref of some) system.tell(ref).hop(0);
        await end.reached;
      }
    },
  };
}

/** `run` may be called again. */
function timers(size: number, ms: number, thenCancel: boolean): Prepared {
  const system = createSystem();
  let end = signal();
  let [fired, count] = [0, 0];
  const ended = (isFired: boolean) => {
    if (isFired) fired++;
    if (++count === size) end.reach();
  };
  const refs: Ref<Sleeper>[] = [];
  for (let i = 0; i < size; i++) refs.push(system.spawn((self) => new Sleeper(self, ms, ended)));
  return {
    run() {
      end = signal();
      [fired, count] = [0, 0];
      for (const ref of refs) system.tell(ref).arm();
      if (thenCancel) for (const ref of refs) system.tell(ref).cancel();
      return end.reached;
    },
    check: () => expectEqual("fired", fired, thenCancel ? 0 : size),
  };
}

export const crowd: Pick<Subject, "ping-pong" | "live" | "big" | "spray" | "fire" | "cancel"> = {
  "ping-pong": (rounds) => pingPong(createSystem(), rounds),

  live(rounds, others) {
    const system = createSystem();
    for (let i = 0; i < others; i++) system.spawn(() => new Idler());
    return pingPong(system, rounds);
  },

  big: (messages) => wander(sizes.bigActors).send(messages, sizes.bigActors),

  async spray(messages, actors) {
    const { send, touch } = wander(actors);
    await touch();
    return send(messages, sizes.sprayed);
  },

  fire: (size) => timers(size, 1, false),
  cancel: (size) => timers(size, 60_000, true),
};
