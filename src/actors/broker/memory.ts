// A journal in memory, for simulations and tests: it outlives its actors, keeps a part of what was not yet safe when the
// power fails, and fails when it is told to. What it holds is bytes in the format of the disk, so that recovery is real.

import { cellOf } from "../../runtime/kernel/cell.ts";
import { milliseconds } from "../../runtime/kernel/duration.ts";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { whole } from "../../runtime/kernel/options.ts";
import type { Duration } from "../../runtime/kernel/protocol.ts";
import type { Self } from "../../runtime/kernel/verbs.ts";
import { JournalFailed, JournalLocked } from "./failure-journal.ts";
import { encodeGroup, encodeSnapshot, type Frame, headerBytes, kinds, recordsOf, scan } from "./format.ts";
import type { Journal, OpenJournal, Recovered } from "./journal.ts";

export interface MemoryJournalOptions {
  /** In errors; `"memory"` by default. */
  name?: string | undefined;
  /**
   * How long it takes until what was written is safe; 0 by default. A function gets the number of the append or
   * compaction, from 1 through all openings. What is appended during one flush shares the next.
   */
  latency?: Duration | ((append: number) => Duration) | undefined;
  /** Bytes that fit, frames included; unlimited by default. */
  capacityBytes?: number | undefined;
  /** Which appends and compactions fail, by the same number; none by default. */
  fails?: ((append: number) => boolean) | undefined;
  /** Whether a power failure may leave a part of a group, which recovery has to drop; true by default. */
  torn?: boolean | undefined;
  /** What it holds at first, as {@link MemoryJournal.content} gave it; nothing by default. */
  content?: Uint8Array | undefined;
}

/** Held by the program or the test; give it to `simulate({ journals: [journal] })`. */
export interface MemoryJournal {
  readonly open: OpenJournal;
  /** A journal of its own on the same medium, for an actor per key; the same one for the same name. */
  part(name: string): MemoryJournal;
  /** Power fails: of what is not safe a drawn prefix is kept, of the group behind it perhaps a part. Nobody has it open. */
  keepPrefix(random: () => number): void;
  /** All bytes that a reader would find now, safe or not. Without those of its parts. */
  readonly content: Uint8Array;
  /** Appends and compactions so far. */
  readonly appends: number;
  /** Groups that are not safe yet. */
  readonly unsafe: number;
}

/**
 * A journal in memory.
 *
 * Promises: as {@link Journal}; what a resolved append wrote survives every power failure, in order; of what was not
 * safe a prefix of whole groups is found. Waits take the time of the world of the actor that opened it.
 * Fails: InvalidOption; `open` with JournalLocked, while another actor that has not ended has it or the same
 * incarnation opens it twice, and JournalCorrupt; `append` and `compact` with JournalFailed, when it is full, told to
 * fail, closed, or open elsewhere by now.
 * A simulation that ended leaves its actors as they were: to open it in the next, stop the system first.
 */
export function memoryJournal(options: MemoryJournalOptions = {}): MemoryJournal {
  for (const option of Object.keys(options))
    if (!known.includes(option)) throw new InvalidOption(option, "an unknown option", known.join(", "));
  const { latency = 0, fails, name = "memory" } = options;
  if (typeof latency !== "function") milliseconds("latency", latency);
  if (fails !== undefined && typeof fails !== "function")
    throw new InvalidOption("fails", fails, "a function of the number of the append");
  whole("capacityBytes", options.capacityBytes, 0, 0);
  return new Medium(name, options);
}

const known = ["name", "latency", "capacityBytes", "fails", "torn", "content"];

interface Holder {
  readonly self: Self;
  readonly handle: object;
}

class Medium implements MemoryJournal {
  readonly name: string;
  readonly #options: MemoryJournalOptions;
  readonly #parts = new Map<string, Medium>();
  /** Oldest first; the last may be cut. */
  #frames: Uint8Array[] = [];
  /** How many of the frames are safe. */
  #safe = 0;
  #holder: Holder | undefined = undefined;
  #openings = 0;
  /** Of the frame written last. */
  #group = 0;
  appends = 0;
  /** When the flush in progress ends, and the one that collects what comes meanwhile; ms of the opener's world. */
  #flushEndsMs: number = Number.NEGATIVE_INFINITY;
  #nextEndsMs: number | undefined = undefined;
  readonly open: OpenJournal;

  constructor(name: string, options: MemoryJournalOptions) {
    this.name = name;
    this.#options = options;
    if (options.content !== undefined) this.#frames.push(options.content.slice());
    this.#safe = this.#frames.length;
    this.open = (self) => this.#open(self);
  }

  part(name: string): MemoryJournal {
    let part = this.#parts.get(name);
    if (part === undefined) {
      part = new Medium(`${this.name}/${name}`, { ...this.#options, content: undefined });
      this.#parts.set(name, part);
    }
    return part;
  }

  keepPrefix(random: () => number): void {
    const unsafe = this.#frames.splice(this.#safe);
    const kept = Math.floor(random() * (unsafe.length + 1));
    this.#frames.push(...unsafe.slice(0, kept));
    const next = unsafe[kept];
    if (next !== undefined && this.#options.torn !== false && random() < 0.5)
      this.#frames.push(next.subarray(0, Math.floor(random() * next.length)));
    this.#safe = this.#frames.length;
    this.#holder = undefined;
    this.#flushEndsMs = Number.NEGATIVE_INFINITY;
    this.#nextEndsMs = undefined;
    for (const part of this.#parts.values()) part.keepPrefix(random);
  }

  get content(): Uint8Array {
    let bytes = 0;
    for (const frame of this.#frames) bytes += frame.length;
    const content = new Uint8Array(bytes);
    let at = 0;
    for (const frame of this.#frames) {
      content.set(frame, at);
      at += frame.length;
    }
    return content;
  }

  get unsafe(): number {
    return this.#frames.length - this.#safe;
  }

  #open(self: Self): Journal | Promise<Journal> {
    const before = this.#holder;
    if (before !== undefined && (before.self === self || before.self.ref !== self.ref)) {
      if (cellOf(before.self.ref).life !== "ended")
        throw new JournalLocked(
          this.name,
          before.self.path,
          "Close it there, or give each actor a journal of its own.",
        );
    }
    const handle = new MemoryHandle(this, self);
    this.#holder = { self, handle };
    const ms = this.#latencyMs(Math.max(1, this.appends));
    if (ms === 0) return this.#found(handle);
    return self.sleep(ms).then(() => this.#found(handle));
  }

  /** What a former incarnation wrote is there, and from here on safe. */
  #found(handle: MemoryHandle): Journal {
    const { frames, cutBytes } = scan(this.name, this.content);
    if (cutBytes > 0 || this.#frames.length !== frames.length) this.#restore(frames);
    this.#safe = this.#frames.length;
    this.#group = frames.at(-1)?.group ?? 0;
    this.#openings = (frames.at(-1)?.opening ?? this.#openings) + 1;
    handle.recovered = recoveredFrom(frames);
    return handle;
  }

  /** Only whole frames stay. */
  #restore(frames: readonly Frame[]): void {
    this.#frames = frames.map(({ part, body }) => wholeOf(part, body));
  }

  /** True of the one that opened it last and did not close it. */
  isHeldBy(handle: object): boolean {
    return this.#holder?.handle === handle;
  }

  release(handle: object): void {
    if (this.isHeldBy(handle)) this.#holder = undefined;
  }

  /** Writes a frame; gives its group and how long it takes until it is safe, or why it was refused. */
  write(
    self: Self,
    kind: number,
    content: readonly Uint8Array[],
  ): { group: number; ms: number; failure: JournalFailed | undefined } {
    const append = ++this.appends;
    const ms = this.#flushMs(self.now(), this.#latencyMs(append));
    const { fails, capacityBytes = Number.POSITIVE_INFINITY } = this.#options;
    if (fails?.(append) === true)
      return { group: 0, ms, failure: new JournalFailed(this.name, `append ${append} was told to fail`) };
    const group = this.#group + 1;
    const frame =
      kind === kinds.group
        ? encodeGroup(group, this.#openings, content)
        : encodeSnapshot(group, this.#openings, content[0] as Uint8Array);
    let bytes = frame.length;
    for (const one of this.#frames) bytes += one.length;
    if (bytes > capacityBytes) {
      const full = `it is full: ${frame.length} bytes more would be ${bytes}, and ${capacityBytes} fit`;
      return { group: 0, ms, failure: new JournalFailed(this.name, full) };
    }
    this.#frames.push(frame);
    this.#group = group;
    return { group, ms, failure: undefined };
  }

  /** How long a wait for all that was written so far takes. */
  barrierMs(self: Self): number {
    if (this.unsafe === 0) return 0;
    return Math.max(0, (this.#nextEndsMs ?? this.#flushEndsMs) - self.now());
  }

  /** All groups up to this one are safe. With a snapshot, what is before it is gone. */
  secure(group: number, isSnapshot: boolean): void {
    const first = this.#group - this.#frames.length + 1;
    const index = group - first;
    if (index < 0) return;
    this.#safe = Math.max(this.#safe, index + 1);
    if (!isSnapshot) return;
    this.#frames.splice(0, index);
    this.#safe -= index;
  }

  get group(): number {
    return this.#group;
  }

  #latencyMs(append: number): number {
    const { latency = 0 } = this.#options;
    return milliseconds("latency", typeof latency === "function" ? latency(append) : latency);
  }

  /** One flush at a time: what comes during one is collected by the next. */
  #flushMs(nowMs: number, latencyMs: number): number {
    if (this.#nextEndsMs !== undefined && nowMs >= this.#flushEndsMs) {
      this.#flushEndsMs = this.#nextEndsMs;
      this.#nextEndsMs = undefined;
    }
    // Further away than a flush takes: the clock was set back.
    if (nowMs >= this.#flushEndsMs || this.#flushEndsMs - nowMs > latencyMs) {
      this.#flushEndsMs = nowMs + latencyMs;
      this.#nextEndsMs = undefined;
      return latencyMs;
    }
    this.#nextEndsMs ??= this.#flushEndsMs + latencyMs;
    return this.#nextEndsMs - nowMs;
  }
}

function wholeOf(part: Uint8Array, body: Uint8Array): Uint8Array {
  const from = part.byteOffset - headerBytes;
  return new Uint8Array(body.buffer, from, body.byteOffset + body.length - from).slice();
}

function recoveredFrom(frames: readonly Frame[]): Recovered {
  const last = frames.findLastIndex(({ kind }) => kind === kinds.snapshot);
  const groups = frames.slice(last + 1);
  return {
    snapshot: frames[last]?.body,
    records: {
      *[Symbol.iterator]() {
        for (const group of groups) yield* recordsOf(group);
      },
    },
  };
}

class MemoryHandle implements Journal {
  readonly #medium: Medium;
  readonly #self: Self;
  /** Of the first append that failed: those behind it fail as well, no sooner than it. */
  #failure: JournalFailed | undefined = undefined;
  #failsAtMs = 0;
  recovered: Recovered = { snapshot: undefined, records: [] };

  constructor(medium: Medium, self: Self) {
    this.#medium = medium;
    this.#self = self;
  }

  async append(records: readonly Uint8Array[]): Promise<void> {
    if (records.length > 0) return await this.#write(kinds.group, records);
    if (!this.#isSound) await this.#check();
    const { group } = this.#medium;
    const ms = this.#medium.barrierMs(this.#self);
    if (ms > 0) await this.#self.sleep(ms);
    if (this.#failure !== undefined) throw this.#failure;
    this.#medium.secure(group, false);
  }

  compact(snapshot: Uint8Array): Promise<void> {
    return this.#write(kinds.snapshot, [snapshot]);
  }

  async #write(kind: number, content: readonly Uint8Array[]): Promise<void> {
    // Not awaited otherwise: what follows belongs to the turn of the caller, so that its wait is seen to be its own.
    if (!this.#isSound) await this.#check();
    const { group, ms, failure } = this.#medium.write(this.#self, kind, content);
    this.#failure = failure;
    this.#failsAtMs = this.#self.now() + ms;
    if (ms > 0) await this.#self.sleep(ms);
    if (failure !== undefined) throw failure;
    this.#medium.secure(group, kind === kinds.snapshot);
  }

  get #isSound(): boolean {
    return this.#failure === undefined && this.#medium.isHeldBy(this);
  }

  async #check(): Promise<void> {
    const { name } = this.#medium;
    if (this.#failure !== undefined) {
      const ms = this.#failsAtMs - this.#self.now();
      if (ms > 0) await this.#self.sleep(ms);
      throw this.#failure;
    }
    if (!this.#medium.isHeldBy(this))
      throw new JournalFailed(name, `${this.#self.path} has closed it, or it was opened again since`);
  }

  /** At once: what is on its way stays as unsafe as it is, until it is opened again. */
  close(): Promise<void> {
    this.#medium.release(this);
    return Promise.resolve();
  }
}
