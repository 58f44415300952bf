// Values for a schema: an arbitrary made of the JSON Schema that a schema library gives of its own schema, each value of
// it tried by the schema itself. So a keyword that is read too loosely here costs tries, and never gives a wrong value.
// Source: Standard Schema 1.1.0 and Standard JSON Schema 1.1.0 (standardschema.dev), JSON Schema draft 2020-12.

import fc from "fast-check";
import { Maker } from "./jsonschema.ts";
import type { Json } from "./keywords.ts";
import { messageOf, Tried, triesMax, unfit } from "./tried.ts";

type Validated = { readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] };

/** What is needed of a Standard Schema that is a Standard JSON Schema as well. */
export interface GenerativeSchema<Input = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly types?: { readonly input: Input; readonly output: unknown } | undefined;
    readonly validate: (value: unknown) => Validated | PromiseLike<Validated>;
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: "draft-2020-12" }) => Record<string, unknown> }
      | undefined;
  };
}

/**
 * Inputs that the schema accepts: plain data, as it is before the schema transforms it.
 *
 * Promises: every value, generated or shrunk, is one that `validate` accepts. Objects have no properties but those that
 * the schema names; a schema that contains itself does so up to 3 times in one another.
 * Fails: InvalidOption, for a schema without `~standard.jsonSchema`, one with a keyword that decides and is not known
 * here, one that no value is found for within 1,000 tries, and one whose validation is asynchronous; the last two also
 * while values are generated.
 * Cost: one value is generated at once, to find these early.
 * Example: `fc.asyncProperty(fromSchema(z.object({ sku: z.string().min(1), count: z.int().min(1) })), async (item) => …)`.
 */
export function fromSchema<Input>(schema: GenerativeSchema<Input>): fc.Arbitrary<Input> {
  const standard = schema?.["~standard"];
  if (typeof standard?.validate !== "function")
    throw unfit(
      "",
      "no ~standard.validate",
      "a Standard Schema: an object whose ~standard has validate and jsonSchema",
    );
  const { vendor, jsonSchema } = standard;
  if (typeof jsonSchema?.input !== "function")
    throw unfit("", `no ~standard.jsonSchema of ${vendor}`, "a schema that is a Standard JSON Schema too");
  let root: Json;
  try {
    root = jsonSchema.input({ target: "draft-2020-12" });
  } catch (error) {
    const says = `which ${vendor} can turn into JSON Schema (it says: ${messageOf(error)})`;
    throw unfit("", "no JSON Schema of draft-2020-12", `a schema ${says}`);
  }
  const made = new Maker(root).all();
  if (made === undefined) throw unfit("", "a schema that no value fits", "one that some finite value fits");
  let issue = "";
  const accepts = (value: unknown): value is Input => {
    const found = standard.validate(value);
    if ("then" in found) {
      found.then(undefined, () => {});
      throw unfit("", "an asynchronous validate", "a schema that validates without waiting");
    }
    issue = found.issues?.[0]?.message ?? issue;
    return !found.issues;
  };
  const arbitrary = new Tried(made, accepts, () =>
    unfit("", `${triesMax} values that it refuses`, `a schema that refuses fewer (it says: ${issue})`),
  );
  fc.sample(arbitrary, { numRuns: 1, seed: 1 });
  return arbitrary as fc.Arbitrary<Input>;
}
