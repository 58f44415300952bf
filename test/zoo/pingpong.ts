// Ping and pong count to a maximum by way of a proxy. While it has no route, after a flush, it loses the message that
// comes next, and that brings the route back. Bug: each number is sent once, and one loss is the end.
// Fix: it is sent again by timer until it is answered, as often as there are flushes; an answer to another is ignored.

import type { Ref, Self, Timer } from "antiphon";
import type { Protocol } from "./protocol.ts";

type Op = "play" | "flush";

const countMax = 3;

interface Players {
  ping: Ref<ReturnType<typeof pinger>>;
  pong: Ref<ReturnType<typeof ponger>>;
}
type Way = ReturnType<typeof proxy>;

const proxy = (self: Self, players: Players) => {
  let hasRoute = true;
  const pass = (forward: () => void) => {
    if (hasRoute) forward();
    hasRoute = true;
  };
  return {
    flush(): void {
      hasRoute = false;
    },
    ping(count: number): void {
      pass(() => self.tell(players.pong).ping(count));
    },
    pong(count: number): void {
      pass(() => self.tell(players.ping).pong(count));
    },
  };
};

const pinger = (self: Self, through: Ref<Way>, sendsMax: number, reached: (count: number) => void) => {
  let count = 1;
  let timer: Timer | undefined;
  const send = (sends = 1) => {
    self.tell(through).ping(count);
    if (sends < sendsMax) timer = self.after("40ms", () => send(sends + 1), "resend");
  };
  return {
    play(): void {
      send();
    },
    pong(answered: number): void {
      if (answered !== count) return;
      timer?.cancel();
      reached(count);
      if (count++ < countMax) send();
    },
  };
};

const ponger = (self: Self, through: Ref<Way>) => ({
  ping(count: number): void {
    self.tell(through).pong(count);
  },
});

const operator = (self: Self, through: Ref<Way>) => ({
  async flush() {
    await self.sleep("100ms");
    self.tell(through).flush();
  },
});

export const pingpong: Protocol<Op> = {
  name: "pingpong",
  source: "Ping-pong of Stateright's examples, lossy: must reach max",
  depth: 1,
  published: "4,094 states (Stateright)",
  time: "async",
  operations: ["play", "flush", "flush"],
  async play({ system, runUntilIdle }, variant, operations) {
    const sendsMax = variant === "buggy" ? 1 : 1 + operations.filter((op) => op === "flush").length;
    let reached = 0;
    const players = {} as Players;
    const through = system.spawn((self) => proxy(self, players), { name: "proxy" });
    players.pong = system.spawn((self) => ponger(self, through), { name: "ponger" });
    players.ping = system.spawn(
      (self) =>
        pinger(self, through, sendsMax, (count) => {
          reached = count;
        }),
      { name: "pinger" },
    );
    const control = system.spawn((self) => operator(self, through), { name: "operator" });
    for (const op of operations)
      if (op === "play") system.tell(players.ping).play();
      else system.tell(control).flush();
    await runUntilIdle();
    if (operations.includes("play") && reached < countMax)
      throw new Error(`the count reaches its maximum: ${reached} of ${countMax}`);
  },
};
