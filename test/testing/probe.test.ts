import { type Answer, createSystem, type Ref, Refusal, type Reply, type Self, type System, settle } from "antiphon";
import { drop, duplicate, restart, type SimulateOptions, type Simulation, simulate } from "antiphon/sim";
import { describe, expect, expectTypeOf, test } from "vitest";
import { conserved } from "../../src/testing/conserved.ts";
import { type Probe, probe } from "../../src/testing/probe.ts";
import { quiescent } from "../../src/testing/quiet.ts";

class Full extends Refusal {
  readonly _tag = "Full";
}

interface Mail {
  send(letter: { text: string }): Reply<string, Full>;
  count(): number;
  flush(): void;
}

/** Under test: sends a letter when it is told to, and says how that went. */
const clerk = (self: Self, mail: Ref<Mail>) => ({
  async write(text: string) {
    const sent = await settle(self.ask(mail, { id: text, key: "k", within: "1s" }).send({ text }));
    self.tell(mail).flush();
    return sent.ok ? sent.value : sent.error._tag;
  },
});

const live = async (body: (system: System) => Promise<void>) => {
  await using system = createSystem({ report: false });
  await body(system);
  expect(conserved(system)).toMatchObject({ ok: true });
};
const sim = async (body: (system: System) => Promise<void>) => {
  const run = await simulate({}, async ({ system }) => {
    await body(system);
    expect(conserved(system)).toMatchObject({ ok: true });
  });
  expect(run.leaks).toEqual([]);
  expect(run.hash).toBeDefined();
};

describe.each([
  { world: "live", run: live },
  { world: "in virtual time", run: sim },
])("probe, $world", ({ run }) => {
  const desk = (system: System, mail: Probe<Mail>) => system.spawn((self: Self) => clerk(self, mail.ref));

  test("notes what it is sent, with sender, id, key and time, and answers undefined", () =>
    run(async (system) => {
      const mail = probe<Mail>(system, "mail");
      expect(mail.ref.path).toBe("/mail");
      expect(await system.ask(desk(system, mail)).write("one")).toBeUndefined();
      await mail.next("flush");
      await system.ask(mail.ref, { id: "o1" }).count();
      const sender = expect.stringMatching(/^\/[a-z]+-1$/);
      expect(mail.received).toEqual([
        { type: "send", payload: { text: "one" }, sender, id: "one", key: "k", atMs: expect.any(Number) },
        { type: "flush", payload: undefined, sender, id: expect.any(String), key: undefined, atMs: expect.any(Number) },
        { type: "count", payload: undefined, sender: undefined, id: "o1", key: undefined, atMs: expect.any(Number) },
      ]);
    }));

  test("has a name of its own without being given one", () =>
    run(async (system) => {
      expect([probe(system), probe(system)].map(({ ref }) => ref.path)).toEqual(["/probe-1", "/probe-2"]);
    }));

  test("answers with values, by functions, and by functions that take their time, keeping nobody waiting", () =>
    run(async (system) => {
      const mail = probe<Mail>(system).answers({
        count: 7,
        send: async ({ text }, self) => {
          if (text === "slow") await self.sleep(20);
          return `sent ${text}`;
        },
      });
      const ask = system.ask(mail.ref);
      const order: string[] = [];
      const noted = (answer: Answer<string | number, unknown>) => answer.then((value) => order.push(`${value}`));
      await Promise.all([noted(ask.send({ text: "slow" })), noted(ask.send({ text: "fast" })), noted(ask.count())]);
      expect(order.at(-1)).toBe("sent slow");
      expect(order.sort()).toEqual(["7", "sent fast", "sent slow"]);
      mail.answers({ count: (payload) => (payload === undefined ? 8 : 9) });
      expect(await ask.count()).toBe(8);
      expect(await ask.send({ text: "again" })).toBe("sent again");
    }));

  test("refuses, also by what an answer is", () =>
    run(async (system) => {
      const mail = probe<Mail>(system).refuses("send", new Full("no room"));
      const to = desk(system, mail);
      expect(await system.ask(to).write("one")).toBe("Full");
      mail.refuses("send", ({ text }) => new Full(text));
      expect(await settle(system.ask(mail.ref).send({ text: "two" }))).toMatchObject({ error: { message: "two" } });
      mail.answers({ send: () => new Full("three"), count: 1 });
      expect(await settle(system.ask(mail.ref).send({ text: "" }))).toMatchObject({ error: { message: "three" } });
      expect(await system.ask(mail.ref).count()).toBe(1);
    }));

  test("crashes where a function throws, and goes on with all that it knows, and with those who wait", () =>
    run(async (system) => {
      const mail = probe<Mail>(system).answers({
        send: () => {
          throw new Error("planted");
        },
      });
      const flushed = mail.next("flush");
      for (let n = 1; n <= 5; n++) expect(await system.ask(desk(system, mail)).write(`${n}`)).toBe("ActorCrashed");
      expect((await flushed).type).toBe("flush");
      expect(mail.received.filter(({ type }) => type === "send")).toHaveLength(5);
    }));

  test("gives one message after the other, those that came and those that are to come", () =>
    run(async (system) => {
      const mail = probe<Mail>(system);
      const tell = system.tell(mail.ref);
      for (const text of ["1", "2"]) tell.send({ text });
      const got = [await mail.next(), await mail.next()];
      const waiting = [mail.next(), mail.next()];
      for (const text of ["3", "4", "5"]) tell.send({ text });
      got.push(...(await Promise.all(waiting)), await mail.next());
      expect(got.map(({ payload }) => payload?.text)).toEqual(["1", "2", "3", "4", "5"]);
      expect(got).toEqual(mail.received);
    }));

  test("gives the next of a type, and leaves the others to who wants any", () =>
    run(async (system) => {
      const mail = probe<Mail>(system);
      const tell = system.tell(mail.ref);
      const flush = mail.next("flush");
      const [any, send] = [mail.next(), mail.next("send")];
      tell.count();
      tell.count();
      tell.send({ text: "1" });
      tell.flush();
      expect((await flush).type).toBe("flush");
      expect((await send).payload.text).toBe("1");
      expect((await any).type).toBe("count");
      tell.send({ text: "2" });
      tell.flush();
      await mail.next("flush");
      expect((await mail.next("send")).payload.text).toBe("2");
      expect((await mail.next()).type).toBe("count");
    }));

  test("rejects when nothing comes in time, says what came instead, and keeps that", () =>
    run(async (system) => {
      const mail = probe<Mail>(system, "mail");
      system.tell(mail.ref).count();
      const error = await mail.next("send", { within: 20 }).catch((error) => error);
      expect(error).toMatchObject({ _tag: "AskTimeout", code: "ASK_TIMEOUT", cause: { _tag: "AskTimeout" } });
      expect(error.message).toMatch(/^\/mail got no send within [\d.]+ ms; not taken: count\.$/);
      const late = mail.next("send", { within: "10s" });
      system.tell(mail.ref).send({ text: "late" });
      expect((await late).payload.text).toBe("late");
      expect((await mail.next()).type).toBe("count");
      await expect(mail.next(undefined, { within: 20 })).rejects.toThrow(
        /got no message within .*; not taken: nothing\./,
      );
    }));

  test("may be waited for by a promise that is looked at after it failed", () =>
    run(async (system) => {
      const mail = probe<Mail>(system);
      const next = mail.next("send", { within: 1 });
      await mail.next("flush", { within: 20 }).catch(() => {});
      await expect(next).rejects.toMatchObject({ _tag: "AskTimeout" });
    }));

  test("tells who waits when its system stops", () =>
    run(async (system) => {
      const mail = probe<Mail>(system);
      const next = mail.next();
      await system.stop();
      await expect(next).rejects.toMatchObject({ code: "ACTOR_STOPPED" });
      await expect(mail.next()).rejects.toMatchObject({ code: "ACTOR_STOPPED" });
    }));
});

describe("probe, in virtual time", () => {
  const session = (options: SimulateOptions): Promise<Simulation<unknown>> =>
    simulate(options, async ({ system, run, now }) => {
      const mail = probe<Mail>(system, "mail").answers({ send: "ok" });
      const clerkRef = system.spawn((self: Self) => clerk(self, mail.ref), { name: "clerk" });
      const next = mail.next("send");
      await run("2s");
      const written = system.ask(clerkRef).write("hello");
      const { atMs, payload } = await next;
      expect(system.census(mail.ref)).toMatchObject({ held: 0 });
      return [atMs, payload, now(), await written, (await mail.next()).type];
    });

  test("is waited for by an operation of the world: time passes, nothing is foreign, and a run can be repeated", async () => {
    const [one, other] = [await session({ strict: true }), await session({ twice: true })];
    expect(one.value).toEqual([2_000, { text: "hello" }, 2_000, "ok", "flush"]);
    expect(one).toMatchObject({ leaks: [], hash: other.hash });
  });

  test("is asked over its link, so that latency and doubled messages are met", async () => {
    const { value } = await session({
      latency: { "*>/mail": 10, "/mail>*": 5 },
      faults: [duplicate("/>/mail")],
    });
    expect(value).toEqual([2_010, { text: "hello" }, 2_015, "ok", "flush"]);
  });

  test("loses no message with the word of it", async () => {
    const { value } = await session({ faults: [drop("/mail>/", { first: 1 })] });
    expect(value).toEqual([2_000, { text: "hello" }, 5_000, "ok", "flush"]);
  });

  test("waits five seconds unless it is told otherwise", async () => {
    await simulate({}, async ({ system, now }) => {
      await expect(probe<Mail>(system, "mail").next()).rejects.toThrow("/mail got no message within 5 s");
      expect(now()).toBe(5_000);
    });
  });

  test("keeps what it was sent when a fault restarts it, and tells who waits", async () => {
    await simulate({ faults: [restart("/mail", { at: 10 })] }, async ({ system, run }) => {
      const mail = probe<Mail>(system, "mail").answers({ count: 3 });
      system.tell(mail.ref).flush();
      const next = mail.next("send");
      await run(20);
      await expect(next).rejects.toMatchObject({ code: "ACTOR_RESTARTED" });
      expect(mail.received).toHaveLength(1);
      expect(await system.ask(mail.ref).count()).toBe(3);
    });
  });

  test("leaves a system quiet when nobody waits for it", async () => {
    await simulate({}, async ({ system, run }) => {
      const mail = probe<Mail>(system);
      const next = mail.next();
      await run(1);
      expect(quiescent(system)).toMatchObject({ ok: false, left: [{ held: 1 }] });
      expect(quiescent(system, { except: [mail.ref] })).toMatchObject({ ok: true });
      system.tell(mail.ref).flush();
      await next;
      expect(quiescent(system)).toMatchObject({ ok: true });
      expect(system.census()).toMatchObject({ sent: 2, handled: 2, late: 0, repeated: 0 });
    });
  });

  test("answers over isolated payloads with what was received, not with a copy of it", async () => {
    for (const isolation of ["freeze", "clone", "share"] as const)
      await simulate({ isolation }, async ({ system }) => {
        const mail = probe<Mail>(system);
        const next = mail.next();
        system.tell(mail.ref).send({ text: "one" });
        expect(await next).toBe(mail.received[0]);
      });
  });
});

describe("probe, to the compiler", () => {
  test("knows messages, payloads and answers", () =>
    sim(async (system) => {
      const mail = probe<Mail>(system);
      expectTypeOf(mail.ref).toEqualTypeOf<Ref<Mail>>();
      expectTypeOf(mail.next<"send">)
        .returns.resolves.toHaveProperty("payload")
        .toEqualTypeOf<{ text: string }>();
      const all = () => mail.received.map((one) => (one.type === "send" ? one.payload.text : one.payload));
      expectTypeOf(all).returns.toEqualTypeOf<(string | undefined)[]>();
      mail.answers({ send: "ok", flush: undefined, count: () => 1 });
      mail.answers({ send: async ({ text }) => text, count: () => Promise.resolve(1) });
      // @ts-expect-error: no such message
      mail.answers({ sent: "ok" });
      // @ts-expect-error: send is answered with a text
      mail.answers({ send: 1 });
      // @ts-expect-error: and so by a function
      mail.answers({ send: () => 1 });
      // @ts-expect-error: no such payload
      mail.answers({ send: ({ words }) => words });
      // @ts-expect-error: a refusal is no text
      mail.refuses("send", "no");
      // @ts-expect-error: no such message
      mail.refuses("sent", new Full());
      // @ts-expect-error: no such message
      void mail.next("sent", { within: 1 });
    }));
});
