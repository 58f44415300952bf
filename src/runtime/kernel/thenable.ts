// What a user's code throws, or gives back in place of a promise, may itself throw when it is looked at.

/**
 * The value itself if it is a promise with the language's own `then`, else a promise that follows it: a `then` of the
 * user's may throw, settle twice, or answer in the same stack.
 */
export function adopt<T>(value: PromiseLike<T>): Promise<T> {
  return value.then === Promise.prototype.then ? (value as Promise<T>) : new Promise<T>((resolve) => resolve(value));
}

/** `instanceof`, and false where that throws. */
export function isOf<T>(value: unknown, kind: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

/** The message of an error, else the value as text. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "something that can not be shown";
  }
}
