import { InvalidOption, type Ref, type Self, settle } from "antiphon";
import { crash, down, restart, simulate } from "antiphon/sim";
import { conformance, conserved, explore, type Subject } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Discovery, type DiscoveryOptions, discovery, via } from "../../src/actors/discovery.ts";
import { announce, type Change, type Registry, registry, type Subscriber } from "../../src/actors/registry.ts";
import { live, sim } from "../conformance/world.ts";

interface Mail {
  send(text: string): string;
  quit(): void;
}

const mail =
  (name: string) =>
  (self: Self): Mail => ({ send: (text) => `${name}: ${text}`, quit: () => self.stop() });

describe.each([live, sim])("registry, $name", (world) => {
  test(`[P8 ${world.name}] finds who is registered, in turn, until it is unregistered or has ended`, () =>
    world.run(async ({ system, idle, conserve }) => {
      const names = system.spawn(registry(), { name: "registry" });
      const ask = system.ask(names);
      const [a, b] = ["a", "b"].map((name) => system.spawn(mail(name), { name })) as [Ref<Mail>, Ref<Mail>];
      expect(await settle(ask.lookup("mail"))).toMatchObject({ error: { _tag: "NotRegistered", service: "mail" } });
      for (const ref of [a, b, a]) await ask.register({ name: "mail", ref });
      await ask.register({ name: "post", ref: a });
      expect(await ask.lookupAll("mail")).toEqual([a, b]);
      expect(new Set([await ask.lookup("mail"), await ask.lookup("mail")])).toEqual(new Set([a, b]));
      await ask.unregister({ name: "mail", ref: b });
      await ask.unregister({ name: "mail", ref: b });
      expect(await ask.lookupAll("mail")).toEqual([a]);
      await system.ask(a).quit();
      await idle();
      expect([await ask.lookupAll("mail"), await ask.lookupAll("post")]).toEqual([[], []]);
      conserve();
    }));

  test(`[P8 ${world.name}] tells subscribers now and at each change, until they unsubscribe or end`, () =>
    world.run(async ({ system, idle }) => {
      const names = system.spawn(registry(), { name: "registry" });
      const ask = system.ask(names);
      const heard: string[] = [];
      const listener = (self: Self): Subscriber & { quit(): void } => ({
        changed: ({ name, refs }: Change) => void heard.push(`${self.path} ${name} ${refs.map(({ path }) => path)}`),
        quit: () => self.stop(),
      });
      const [one, two] = ["one", "two"].map((name) => system.spawn(listener, { name }));
      const a = system.spawn(mail("a"), { name: "a" });
      await ask.subscribe({ name: "mail", ref: one! });
      await ask.subscribe({ name: "mail", ref: two! });
      await ask.register({ name: "mail", ref: a });
      await ask.register({ name: "mail", ref: a });
      await idle();
      expect(heard).toEqual(["/one mail ", "/two mail ", "/one mail /a", "/two mail /a"]);
      await system.ask(one!).quit();
      await ask.unsubscribe({ name: "mail", ref: two! });
      await idle();
      await ask.unregister({ name: "mail", ref: a });
      await idle();
      expect(heard).toHaveLength(4);
      expect(system.deadLetters).toEqual([]);
    }));

  test(`[P9 ${world.name}] stands by a name for who has it, and says when nobody does`, () =>
    world.run(async ({ system, idle, conserve }) => {
      const names = system.spawn(registry(), { name: "registry" });
      const ref = system.spawn(via<Mail>(names, "mail", { ttl: 0 }), { name: "mail" });
      expect(await settle(system.ask(ref).send("x"))).toMatchObject({ error: { _tag: "NotRegistered" } });
      for (const name of ["a", "b"])
        await system.ask(names).register({ name: "mail", ref: system.spawn(mail(name), { name }) });
      const answers = [await system.ask(ref).send("x"), await system.ask(ref).send("x")];
      expect(answers.sort()).toEqual(["a: x", "b: x"]);
      await idle();
      conserve();
    }));
});

describe("registry in virtual time", () => {
  test("forgets who does not renew", () =>
    simulate({}, async ({ system, run }) => {
      const names = system.spawn(registry());
      const ref = system.spawn(mail("a"));
      const count = async () => (await system.ask(names).lookupAll("mail")).length;
      await system.ask(names).register({ name: "mail", ref, ttl: "10s" });
      await run("8s");
      await system.ask(names).register({ name: "mail", ref, ttl: "10s" });
      await run("9s");
      expect(await count()).toBe(1);
      await run("2s");
      expect(await count()).toBe(0);
    }));

  test("has instances that announce themselves back after a restart, and no more after cancel", () =>
    simulate({ faults: [restart("/registry", { at: "15s" })] }, async ({ system, run }) => {
      const names = system.spawn(registry(), { name: "registry" });
      const announcing = (self: Self) => {
        const end = announce(self, names, "mail", { ttl: "30s" });
        return { cancel: () => end.cancel() };
      };
      const ref = system.spawn(announcing);
      const count = async () => (await system.ask(names).lookupAll("mail")).length;
      await run("14s");
      expect(await count()).toBe(1);
      await run("2s");
      expect(await count()).toBe(0);
      await run("6s");
      expect(await count()).toBe(1);
      await run("5m");
      expect(await count()).toBe(1);
      system.tell(ref).cancel();
      await run("5m");
      expect(await count()).toBe(0);
    }));

  test("survives what is no registration", () =>
    simulate({}, async ({ system }) => {
      const ask = system.ask(system.spawn(registry()));
      const ref = system.spawn(mail("a"));
      await ask.register({ name: "mail", ref });
      for (const wrong of [{ ttl: "soon" }, { name: 1 }, { ref: "/mail" }])
        for (const message of ["register", "subscribe"] as const)
          expect(await settle(ask[message]({ name: "mail", ref, ...wrong } as never))).toMatchObject({
            error: { _tag: "RegistrationRefused" },
          });
      expect(await ask.lookupAll("mail")).toEqual([ref]);
    }));

  test("takes no more than its limit, and has room again", () =>
    simulate({}, async ({ system }) => {
      const names = system.spawn(registry({ limit: 1 }));
      const ask = system.ask(names);
      const [a, b] = ["a", "b"].map((name) => system.spawn(mail(name), { name })) as [Ref<Mail>, Ref<Mail>];
      await ask.register({ name: "mail", ref: a });
      await ask.register({ name: "mail", ref: a });
      expect(await settle(ask.register({ name: "mail", ref: b }))).toMatchObject({
        error: { _tag: "RegistrationRefused" },
      });
      await ask.unregister({ name: "mail", ref: a });
      await ask.register({ name: "mail", ref: b });
      expect(await ask.lookupAll("mail")).toEqual([b]);
    }));
});

describe("discovery", () => {
  /** Asks as often as it is told, by what it knows, and tries again as it is told. */
  const client =
    (names: Ref<Registry>, options: DiscoveryOptions, retry: "no" | "random" | "other" = "no") =>
    (self: Self) => {
      const mails: Discovery<Mail> = discovery<Mail>(self, names, "mail", options);
      const ends = async (ref: Ref<Mail>) => (await settle(self.ask(ref).send("x"))).ok;
      return {
        async count() {
          return (await mails.all()).length;
        },
        forget: () => mails.forget(),
        async go(times: number) {
          let failed = 0;
          for (let n = 0; n < times; n++) {
            const all = await mails.all();
            const draw = () => all[Math.floor(self.random() * all.length)] as Ref<Mail>;
            const first = draw();
            if (await ends(first)) continue;
            if (retry === "no") failed++;
            else if (!(await ends(retry === "random" ? draw() : await mails.one([first])))) failed++;
          }
          return failed / times;
        },
      };
    };

  test("keeps what it found for its ttl, and asks the registry once meanwhile", () =>
    simulate({}, async ({ system, run }) => {
      const names = system.spawn(registry(), { name: "registry" });
      const ref = system.spawn(client(names, { ttl: "10s" }));
      const register = () => system.ask(names).register({ name: "mail", ref: system.spawn(mail("a")) });
      await register();
      expect(await system.ask(ref).count()).toBe(1);
      await register();
      const before = system.census(names).accepted;
      expect(await system.ask(ref).count()).toBe(1);
      expect(system.census(names).accepted).toBe(before);
      await system.ask(ref).forget();
      expect(await system.ask(ref).count()).toBe(2);
      await register();
      await run("10s");
      expect(await system.ask(ref).count()).toBe(3);
    }));

  test("uses what is stale while it asks again, and when the registry does not answer", () =>
    simulate({ faults: [down("/registry", { from: "25s", to: "1h" })] }, async ({ system, run }) => {
      const names = system.spawn(registry(), { name: "registry" });
      const ref = system.spawn(client(names, { ttl: "10s", stale: "20s" }));
      await system.ask(names).register({ name: "mail", ref: system.spawn(mail("a")) });
      expect(await system.ask(ref).count()).toBe(1);
      await system.ask(names).register({ name: "mail", ref: system.spawn(mail("b")) });
      await run("11s");
      expect(await system.ask(ref).count()).toBe(1);
      await run("1s");
      expect(await system.ask(ref).count()).toBe(2);
      await run("20s");
      expect(await system.ask(ref).count()).toBe(2);
      await run("20s");
      expect((await settle(system.ask(ref).count())).ok).toBe(false);
    }));

  test(
    "R37: after a death one in N fails for a ttl; again at random one in N², at another none",
    () =>
      simulate({ seed: 5, trace: "off" }, async ({ system, run }) => {
        const names = system.spawn(registry(), { name: "registry" });
        const mails = Array.from({ length: 10 }, (_, n) => system.spawn(mail(`${n}`)));
        for (const ref of mails) await system.ask(names).register({ name: "mail", ref });
        const cache = { ttl: "10s", watch: false } as const;
        const refs = (["no", "random", "other"] as const).map((retry) => system.spawn(client(names, cache, retry)));
        for (const ref of refs) expect(await system.ask(ref).go(1)).toBe(0);
        await system.ask(mails[3]!).quit();
        await run("9s");
        const [no, random, other] = (await Promise.all(refs.map((ref) => system.ask(ref).go(40_000)))) as [
          number,
          number,
          number,
        ];
        expect(Math.abs(no / 0.1 - 1)).toBeLessThan(0.05);
        expect(Math.abs(random / 0.01 - 1)).toBeLessThan(0.15);
        expect(other).toBe(0);
        await run("1s");
        for (const ref of refs) expect(await system.ask(ref).go(1_000)).toBe(0);
        // Who watches knows at once.
        const knowing = system.spawn(client(names, { ttl: "10s" }));
        await system.ask(knowing).go(1);
        await system.ask(mails[4]!).quit();
        await run(1);
        expect(await system.ask(knowing).go(1_000)).toBe(0);
      }),
    60_000,
  );
});

describe("via", () => {
  const wrap = (inner: Ref<Subject>) => (self: Self) => {
    const names = self.spawn(registry(), { name: "registry" });
    self.tell(names).register({ name: "inner", ref: inner });
    return via<Subject>(names, "inner")(self);
  };
  test.each(conformance(wrap))("stands for who is registered: $name", ({ run }) => run());

  test("says so when the registry does not answer, and bounds what waits for it", () =>
    simulate({ faults: [down("/registry", { from: 0, to: "1h" })] }, async ({ system }) => {
      const names = system.spawn(registry(), { name: "registry" });
      const ref = system.spawn(via<Mail>(names, "mail", { capacity: 1 }));
      system.spawn(mail("a"));
      const ends = [1, 2].map(() => settle(system.ask(ref).send("x")));
      expect((await Promise.all(ends)).map((end) => (end.ok ? "ok" : end.error._tag))).toEqual([
        "Unavailable",
        "MailboxFull",
      ]);
    }));
});

test(
  "in every order, subscribers end up with who is there",
  () =>
    fc.assert(
      explore(
        {
          acts: fc.array(
            fc.record({ who: fc.nat(2), how: fc.constantFrom("register", "unregister", "quit", "subscribe") }),
            { maxLength: 8 },
          ),
        },
        async ({ system, runUntilIdle }, { acts }) => {
          const names = system.spawn(registry(), { name: "registry" });
          const last = new Map<string, readonly string[]>();
          const listener = (self: Self): Subscriber => ({
            changed: ({ refs }) =>
              void last.set(
                self.path,
                refs.map(({ path }) => path),
              ),
          });
          const mails = [0, 1, 2].map((n) => system.spawn(mail(`${n}`), { name: `mail-${n}` }));
          const listeners = [0, 1, 2].map((n) => system.spawn(listener, { name: `listener-${n}` }));
          const client = (self: Self) => ({
            go({ who, how }: (typeof acts)[number]) {
              const ref = mails[who] as Ref<Mail>;
              if (how === "quit") self.tell(ref).quit();
              else if (how === "subscribe") self.tell(names).subscribe({ name: "mail", ref: listeners[who]! });
              else self.tell(names)[how as "register"]({ name: "mail", ref });
            },
          });
          acts.forEach((act, n) => void system.tell(system.spawn(client, { name: `client-${n}` })).go(act));
          await runUntilIdle();
          const found = (await system.ask(names).lookupAll("mail")).map(({ path }) => path);
          for (const [path, refs] of last)
            if (`${refs}` !== `${found}`) throw new Error(`${path} has ${refs}, not ${found}`);
          const gone = acts.filter(({ how }) => how === "quit").map(({ who }) => `/mail-${who}`);
          if (found.some((path) => gone.includes(path))) throw new Error(`the dead are listed: ${found}`);
          if (!conserved(system).ok) throw new Error("the books do not balance");
        },
        { schedules: 40, faults: [crash("/listener-1", { at: 0 })] },
      ),
      { seed: 7, numRuns: 15 },
    ),
  60_000,
);

test.each<[string, (self: Self, names: Ref<Registry>) => unknown]>([
  ["limit", () => registry({ limit: 0 })],
  ["size", () => registry({ size: 0 } as never)],
  ["ttl", (self, names) => discovery(self, names, "mail", { ttl: -1 })],
  ["stale", (self, names) => discovery(self, names, "mail", { stale: "x" as never })],
  ["age", (self, names) => discovery(self, names, "mail", { age: 1 } as never)],
  ["ttl", (self, names) => announce(self, names, "mail", { ttl: 0 })],
  ["capacity", (_, names) => via(names, "mail", { capacity: -1 })],
])("a wrong %s is refused", (option, make) =>
  sim.run(async ({ system }) => {
    const names = system.spawn(registry());
    let found: unknown;
    system.spawn((self) => {
      try {
        make(self, names);
      } catch (error) {
        found = error;
      }
      return {};
    });
    expect(found).toBeInstanceOf(InvalidOption);
    expect((found as Error).message).toMatch(new RegExp(`^${option}: found`));
  }),
);
