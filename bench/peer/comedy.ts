// The rows on Comedy 2, actors in memory: plain objects whose methods are the topics. A child is there when a promise
// says so.

import comedy from "comedy";
import { expectEqual, type Subject, signal } from "../rows.ts";
import { type Behaviour, type Kit, nodeTimer, subjectOf } from "./shapes.ts";

type Actor = Awaited<ReturnType<ReturnType<typeof comedy.createSystem>["rootActor"]>>;

/** What a row holds: the actor is filled in when it is there. */
interface Ref {
  actor: Pick<Actor, "send" | "sendAndReceive" | "destroy"> | undefined;
}

async function open(): Promise<Kit<Ref> & { root: Actor }> {
  // `test` keeps its logger silent.
  const root = await comedy.createSystem({ test: true }).rootActor();
  let pending: Promise<unknown>[] = [];
  const tell = (to: Ref, n: number): void => void to.actor?.send("take", n);
  return {
    root,
    spawn(behaviour: Behaviour) {
      const ref: Ref = { actor: undefined };
      pending.push(
        root.createChild(behaviour).then((actor) => {
          ref.actor = actor;
        }),
      );
      return ref;
    },
    async spawned() {
      await Promise.all(pending);
      pending = [];
    },
    tell,
    ask: (to, n) => to.actor?.sendAndReceive("answer", n) as Promise<number>,
    stop: (one) => void one.actor?.destroy(),
    after: nodeTimer(tell),
  };
}

export const subject: Subject = {
  ...subjectOf(open),

  /** What is asked overtakes what was sent: the total is asked for when all have come. */
  async counting(messages) {
    const kit = await open();
    const end = signal();
    let [sum, count] = [0, 0];
    const counter = kit.spawn({
      take(n) {
        sum += n;
        if (++count === messages) end.reach();
      },
      answer: () => sum,
    });
    await kit.spawned?.();
    let answer = 0;
    return {
      async run() {
        for (let i = 0; i < messages; i++) kit.tell(counter, 1);
        await end.reached;
        answer = await kit.ask(counter, 0);
      },
      check: () => expectEqual("total", answer, messages),
    };
  },

  /** A message is sent when its receiver is there. */
  async create(actors) {
    const { root } = await open();
    const end = signal();
    let [sum, count] = [0, 0];
    const collector = await root.createChild({
      take(n: number) {
        sum += n;
        if (++count === actors) end.reach();
      },
    });
    const create = async (i: number) => {
      const self = await root.createChild({
        take(n: number) {
          void collector.send("take", n);
          void self.destroy();
        },
      });
      void self.send("take", i);
    };
    return {
      async run() {
        for (let i = 0; i < actors; i++) void create(i);
        await end.reached;
      },
      check: () => expectEqual("sum", sum, (actors * (actors - 1)) / 2),
    };
  },
};
