// Who is compared, how an actor is written on it here, and what is unfair about that: in two lists, since a peer that
// leaves something out is quicker for it.

export type PeerName =
  | "antiphon"
  | "bare"
  | "nact"
  | "comedy"
  | "xstate"
  | "transition"
  | "effect"
  | "rxjs"
  | "emitter"
  | "chain"
  | "loop"
  | "erlang";

export interface Peer {
  readonly title: string;
  /** Its package on npm. */
  readonly package?: string;
  readonly how: string;
  /** What it leaves out, or has for free. */
  readonly favours?: readonly string[];
  /** What it does beside, or where this use of it is not its strength. */
  readonly burdens?: readonly string[];
}

const noMailbox = "no bound of what waits, no counts, no dead letters, no supervision";
const noAsk = "no ask: the message carries what resolves the promise; no deadline, no failure";
const noDeadline = "an ask has no deadline";
const noTimer = "no timers: setTimeout, and then a message";
const notSerial = "a handler that awaits does not keep its next message waiting";
const onStack = "send runs the receiver on the sender's stack: nothing is scheduled";
const starves = "timers and sockets get no turn while messages flow";
const oneError = "one error ends an actor";

export const peers: { readonly [name in PeerName]: Peer } = {
  antiphon: {
    title: "Antiphon",
    how: "classes that are given self, by the public names; options at their defaults",
  },
  bare: {
    title: "bare kernel, bench/bare.ts",
    how: "as little as a kernel can do that checks bounds, deadlines and errors",
    favours: ["no names, tree, restarts, fates or inherited deadlines", noTimer],
  },
  nact: {
    title: "nact",
    package: "nact",
    how: "functions of state and message; dispatch, and query with 5 s",
    favours: [noTimer],
    burdens: ["a setImmediate, a promise and a context object per message, a setTimeout per query"],
  },
  comedy: {
    title: "Comedy",
    package: "comedy",
    how: "plain objects in memory; send and sendAndReceive",
    favours: [noMailbox, noDeadline, notSerial, noTimer],
    burdens: [
      "made for actors in other processes and on other hosts",
      "an ask overtakes what was sent: in counting the total is asked for when all have come",
      "its actors start behind a promise, and when one ends a list of all siblings is copied",
    ],
  },
  xstate: {
    title: "XState",
    package: "xstate",
    how: "one machine with an action for every event; send",
    favours: [noMailbox, noAsk, notSerial, onStack, noTimer],
    burdens: ["made for statecharts: each event makes a snapshot for whoever observes"],
  },
  transition: {
    title: "XState",
    package: "xstate",
    how: "one logic made by fromTransition; send",
    favours: [noMailbox, noAsk, notSerial, onStack, noTimer],
    burdens: ["each event makes a snapshot for whoever observes"],
  },
  effect: {
    title: "Effect",
    package: "effect",
    how: "a fiber that takes from an unbounded Queue; offerUnsafe to tell; to ask, a Deferred under timeout",
    favours: [noMailbox],
    burdens: ["made for typed errors, interruption and resources: a fiber per timeout, and per ask in flight"],
  },
  rxjs: {
    title: "RxJS",
    package: "rxjs",
    how: "a Subject, observeOn(asapScheduler)",
    favours: [noMailbox, noAsk, notSerial],
    burdens: [
      "made for streams: its scheduler takes time that grows with the square of what is queued, so its counting, create and timers have 5,000 to 10,000 items",
    ],
  },
  emitter: {
    title: "EventEmitter of Node",
    how: "emit, in a microtask per message",
    favours: [noMailbox, noAsk, notSerial, noTimer, starves],
  },
  chain: {
    title: "promises alone",
    how: "an object with the promise of its last message; each message is a then",
    favours: [noMailbox, noDeadline, noTimer, oneError, starves],
  },
  loop: {
    title: "an async function",
    how: "a loop per actor that awaits a wake-up and then empties an array",
    favours: [noMailbox, noAsk, noTimer, oneError, starves],
  },
  erlang: {
    title: "Erlang/OTP",
    how: "processes and gen_server:call, bench/peer/bench.erl; one scheduler, +S 1",
    favours: [
      "a virtual machine made for this; no counts of messages",
      "who sends is preempted, so that in counting little waits",
    ],
    burdens: ["copies what is sent, to a heap of its own per process; a monitor and a timer per call"],
  },
};

export const peerNames = Object.keys(peers) as readonly PeerName[];
