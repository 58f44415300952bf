// Node, as the live world sees it. Tests give a counting one.

export interface Host {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `then` in this macrotask, after the promise jobs that are queued now. */
  soon(then: () => void): void;
  /** Calls `then` in a macrotask of its own, after timers and sockets had their chance. */
  immediate(then: () => void): void;
  /** One alarm: calls `ring` after `ms`; setting it again replaces it. */
  alarm(ring: () => void): Alarm;
}

export interface Alarm {
  set(ms: number): void;
  clear(): void;
  /** Whether a set alarm keeps the process alive. */
  hold(alive: boolean): void;
}

const resolved = Promise.resolve();
/** Node's longest timer. */
const alarmMaxMs = 2_147_483_647;

export const node: Host = {
  now: () => performance.now(),
  soon: (then) => void resolved.then(then),
  immediate: (then) => void setImmediate(then),
  alarm(ring) {
    let timer: NodeJS.Timeout | undefined;
    let held = true;
    return {
      set(ms) {
        if (timer !== undefined) clearTimeout(timer);
        timer = setTimeout(ring, Math.min(alarmMaxMs, Math.max(1, Math.ceil(ms))));
        if (!held) timer.unref();
      },
      clear() {
        if (timer !== undefined) clearTimeout(timer);
        timer = undefined;
      },
      hold(alive) {
        if (alive === held) return;
        held = alive;
        if (alive) timer?.ref();
        else timer?.unref();
      },
    };
  },
};
