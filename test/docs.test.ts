// Documents are tests: what they list is compiled, what they print was printed. `npm run docs` rewrites them.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as antiphon from "antiphon";
import * as actors from "antiphon/actors";
import * as broker from "antiphon/broker";
import * as effect from "antiphon/effect";
import * as rxjs from "antiphon/rxjs";
import * as sim from "antiphon/sim";
import * as antiphonTesting from "antiphon/testing";
import * as xstate from "antiphon/xstate";
import { describe, expect, test } from "vitest";
import { storeNames, subscriptionNames, topicNames } from "../src/actors/broker/settings.ts";
import { milliseconds } from "../src/runtime/kernel/duration.ts";
import { askWithinMs, defaults } from "../src/runtime/kernel/options.ts";
import { advice, allKinds, errorsPage } from "./docs/errors.ts";
import { refresh } from "./docs/fences.ts";

const pages = [".", "docs"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

describe.each(pages)("%s", (path) => {
  const page = readFileSync(path, "utf8");

  test("lists compiled code and prints real output", async () => {
    await expect(await refresh(page)).toMatchFileSnapshot(join("..", path));
  }, 120_000);

  test("links to files that exist", () => {
    const targets = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !existsSync(join(dirname(path), target)))).toEqual([]);
  });
});

test("there are pages to check", () => {
  expect(pages).toContain("README.md");
});

describe("a marked fence", () => {
  const listing = (marker: string, body = "") => `# Page\n\n\`\`\`ts ${marker}\n${body}\`\`\`\n`;

  test("is the region it names, without its indentation", async () => {
    const page = await refresh(listing("file=test/docs/sample.ts#indented"));
    expect(page).toContain("#indented\nconsole.log(");
    expect(page).toContain(");\n```\n");
  });

  test("is those lines of the output that it names", async () => {
    const page = await refresh("```text run=test/docs/virtual.ts lines=2-2\n```\n");
    expect(page).toMatch(/^```text run=\S+ lines=2-2\n +1 {2}0 ms {2}start .*\n```\n$/);
  });

  test("differs when it is stale", async () => {
    const stale = listing("file=test/docs/sample.ts#greeting", 'const name = "me";\n');
    expect(await refresh(stale)).not.toBe(stale);
  });

  test("is the output of the program it names", async () => {
    const page = await refresh("```text run=test/docs/sample.ts world\nhello moon\n```\n\nmore\n");
    expect(page).toBe("```text run=test/docs/sample.ts world\nhello world\n```\n\nmore\n");
  });

  test.each([
    ["", "a listing without file="],
    ["run=test/docs/sample.ts", "a listing without file="],
    ["file=test/docs/sample.ts#nowhere", "has no region nowhere"],
    ["file=test/fixtures/planted/architecture/src/lab/chance.ts", "is not compiled"],
  ])("is refused when it says %o", async (marker, reason) => {
    await expect(refresh(listing(marker))).rejects.toThrow(reason);
  });

  test("is refused when its program fails", async () => {
    await expect(refresh("```text run=test/docs/missing.ts\n```\n")).rejects.toThrow("missing.ts");
  });

  test("of another kind stays as it is", async () => {
    const page = "```bash\nnpm test\n```\n\n```text\nas it was\n```\n";
    expect(await refresh(page)).toBe(page);
  });
});

describe("docs/errors.md", () => {
  // The refusal of the kit's own subject is no error of the package.
  const { Declined, ...testing } = antiphonTesting;
  const doors = { ...antiphon, ...sim, ...testing, ...broker, ...actors, ...effect, ...xstate, ...rxjs };
  const exported = Object.entries(doors).flatMap(([name, value]) =>
    typeof value === "function" && value.prototype instanceof Error ? [name] : [],
  );
  const kinds = allKinds();

  test("is what the sources say", async () => {
    await expect(errorsPage()).toMatchFileSnapshot("../docs/errors.md");
  });

  test("has every error that the package exports, with advice", () => {
    const concrete = exported.filter((name) => name !== "Failure" && name !== "Refusal").sort();
    expect(kinds.map(({ name }) => name).sort()).toEqual(concrete);
    expect(Object.keys(advice).sort()).toEqual(concrete);
  });

  test("has every kind of the closed set, under its own tag", () => {
    const closed = antiphon.failures.map((Kind) => new Kind("text"));
    expect(kinds).toEqual(
      expect.arrayContaining(closed.map(({ _tag, code }) => expect.objectContaining({ name: _tag, code }))),
    );
  });
});

describe("docs/options.md", () => {
  const page = readFileSync("docs/options.md", "utf8");
  const defaultOf = (written: string) => {
    const value = JSON.parse(written.replace(",", ""));
    return /^\d/.test(value) ? milliseconds("default", value) : value;
  };

  test("has the default of every option of an actor", () => {
    const { messages, places, ...named } = defaults;
    const rows = page.matchAll(/^\| `(?:\w+\.)?(\w+)` \| `(.+?)` \| .* \| .* \|$/gm);
    const written = [...rows].map(([, name = "", value = ""]) => [
      name in named ? name : `${name}Ms`,
      defaultOf(value),
    ]);
    expect(Object.fromEntries(written)).toEqual(named);
  });

  test("has every option of a store, a topic and a subscription, and no other", () => {
    const section = page.slice(page.indexOf("## Of a queue"), page.indexOf("## Of a system"));
    const written = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    const own = ["store", "of", "filter", "startAt", "durable"];
    expect(written.sort()).toEqual([...storeNames, ...topicNames, ...subscriptionNames, ...own].sort());
  });

  test("has the default of within", () => {
    const [, value = ""] = /^\| `within` \| `(.+?)` for an ask/m.exec(page) ?? [];
    expect(defaultOf(value)).toBe(askWithinMs);
  });
});
