// The public names of `antiphon`, nothing else.

export * from "./runtime/kernel/failure.ts";
export * from "./runtime/kernel/protocol.ts";
export * from "./runtime/kernel/verbs.ts";
import type { Answer } from "./runtime/kernel/protocol.ts";
import type { Failure } from "./runtime/kernel/failure.ts";
import type { System, SystemOptions } from "./runtime/kernel/verbs.ts";
export declare function createSystem(options?: SystemOptions): System;
export declare function settle<A, E>(answer: Answer<A, E>): Promise<{ ok: true; value: A } | { ok: false; error: E | Failure }>;
