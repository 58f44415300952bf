// Services that ask each other, on the public interface alone: in a chain, many at once, again after a failure.

import { type Ref, Refusal, type Reply, type Self, type System, settle } from "antiphon";

export class Down extends Refusal {
  readonly _tag = "Down";
}

/** Asked which services are down, by their places. */
export interface Service {
  call(down: readonly boolean[]): Reply<string, Down>;
}

/** Answers, unless it is down itself, or a service behind it: then its answer is their no. */
export function chain(system: System, length: number): Ref<Service>[] {
  const services: Ref<Service>[] = [];
  for (let place = length - 1; place >= 0; place--) {
    const next = services[0];
    const service = (self: Self): Service => ({
      async call(down) {
        if (down[place]) return new Down();
        return next === undefined ? "answered" : await self.ask(next).call(down);
      },
    });
    services.unshift(system.spawn(service));
  }
  return services;
}

/** Asks all of its replicas at once, and answers with the first answer; no when all say no. */
export function redundant(replicas: readonly Ref<Service>[]): (self: Self) => Service {
  return (self) => ({
    async call(down) {
      const answers = replicas.map((replica, place) => self.ask(replica).call([down[place]!]));
      return await Promise.any(answers).catch(() => new Down());
    },
  });
}

export interface Leaf {
  work(ms: number): Promise<void>;
}

/** Sleeps as long as it is asked to. */
export function leaf(self: Self): Leaf {
  return { work: (ms) => self.sleep(ms) };
}

export interface Front {
  gather(times: readonly number[]): Promise<number>;
}

/** Asks all leaves at once, and answers when the last has answered, with the time that took. */
export function fanOut(leaves: readonly Ref<Leaf>[]): (self: Self) => Front {
  return (self) => ({
    async gather(times) {
      const startMs = self.now();
      await Promise.all(leaves.map((each, place) => self.ask(each).work(times[place]!)));
      return self.now() - startMs;
    },
  });
}

export interface Shaky {
  call(): Reply<string, Refusal>;
}

/** Asks up to `most` times until there is an answer; the last no is its own. */
export function persistent(to: Ref<Shaky>, most: number): (self: Self) => Shaky {
  return (self) => ({
    async call() {
      for (let attempt = 1; ; attempt++) {
        const answer = await settle(self.ask(to, { attempt }).call());
        if (answer.ok) return answer.value;
        if (attempt === most) throw answer.error;
      }
    },
  });
}

export interface Consumer {
  take(job: number): Reply<void, Refusal>;
}

export interface Queue {
  put(job: number): Promise<void>;
}

/** Delivers each job up to `most` times until it is taken, and keeps in `dead` what never was. */
export function queue(to: Ref<Consumer>, most: number, dead: number[]): (self: Self) => Queue {
  return (self) => ({
    async put(job) {
      for (let attempt = 1; attempt <= most; attempt++)
        if ((await settle(self.ask(to, { attempt }).take(job))).ok) return;
      dead.push(job);
    },
  });
}
