// All protocols of the zoo, by depth.

import { account } from "./account.ts";
import { causal } from "./causal.ts";
import { chain } from "./chain.ts";
import { deadlock } from "./deadlock.ts";
import { depth2, depth3 } from "./depth.ts";
import { detector } from "./detector.ts";
import { detectorlive } from "./detectorlive.ts";
import { election } from "./election.ts";
import { latereply } from "./latereply.ts";
import { lease } from "./lease.ts";
import { paxos } from "./paxos.ts";
import { pingpong } from "./pingpong.ts";
import type { Protocol } from "./protocol.ts";
import { raft } from "./raft.ts";
import { registry } from "./registry.ts";
import { replica } from "./replica.ts";
import { retry } from "./retry.ts";
import { router } from "./router.ts";
import { server } from "./server.ts";
import { stalefill } from "./stalefill.ts";
import { storage } from "./storage.ts";
import { straggler4, straggler16 } from "./straggler.ts";
import { twophase } from "./twophase.ts";

export const zoo: readonly Protocol[] = (
  [
    server,
    election,
    replica,
    detectorlive,
    pingpong,
    latereply,
    causal,
    lease,
    retry,
    straggler4,
    straggler16,
    registry,
    account,
    deadlock,
    twophase,
    storage,
    router,
    depth2,
    raft,
    depth3,
    paxos,
    stalefill,
    chain,
    detector,
  ] as readonly Protocol[]
).toSorted((a, b) => a.depth - b.depth);
