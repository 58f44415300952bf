// A client tells a server its requests one after the other, and gives each up after a while.
// Bug: a reply that comes after that is taken for the reply to the next request.
// Fix: a reply carries the id of its request, and those to other requests are ignored.

import type { Ref, Self, Timer } from "antiphon";
import type { Protocol, Variant } from "./protocol.ts";

interface Reply {
  readonly id: number;
  readonly text: string;
}
interface Request extends Reply {
  readonly from: Ref<{ reply(reply: Reply): void }>;
}

const answerTo = (text: string) => `${text}!`;

const server = (self: Self) => ({
  request({ from, id, text }: Request) {
    self.tell(from).reply({ id, text: answerTo(text) });
  },
});

const client = (self: Self, to: Ref<ReturnType<typeof server>>, variant: Variant, answers: Map<string, string>) => {
  const waiting: string[] = [];
  let id = 0;
  let current: string | undefined;
  let timer: Timer | undefined;
  const next = () => {
    current = waiting.shift();
    if (current === undefined) return;
    self.tell(to).request({ from: self.ref, id: ++id, text: current });
    timer = self.after("40ms", next, "giveUp");
  };
  return {
    submit(text: string) {
      waiting.push(text);
      if (current === undefined) next();
    },
    reply({ id: of, text }: Reply) {
      if (current === undefined || (variant === "fixed" && of !== id)) return;
      timer?.cancel();
      answers.set(current, text);
      next();
    },
  };
};

/** The operations are the texts of the requests. */
export const latereply: Protocol<string> = {
  name: "latereply",
  source: "own: a reply after its timeout is matched to the next request",
  depth: 1,
  time: "async",
  operations: ["one", "two", "three"],
  async play({ system, runUntilIdle }, variant, operations) {
    const answers = new Map<string, string>();
    const to = system.spawn((self) => server(self), { name: "server" });
    const from = system.spawn((self) => client(self, to, variant, answers), { name: "client" });
    for (const text of operations) system.tell(from).submit(text);
    await runUntilIdle();
    for (const [text, answer] of answers)
      if (answer !== answerTo(text))
        throw new Error(`an answer is that to its request: ${text} was answered ${answer}`);
  },
};
