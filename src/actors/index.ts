// The public names of `antiphon/actors`, nothing else.

export { type IdempotentOptions, idempotent } from "./idempotent.ts";
