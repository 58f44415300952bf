"""M/M/1 in SimPy 3, a peer of the simulated world: one process per customer, one resource as the server.

80 customers a second arrive and 100 could be served, so in the long run each spends 1000 / (100 - 80) = 50 ms there.
Prints one line of JSON: `seconds` is processor time of the run, draws included; `events` is what SimPy processed.

    apt-get install python3-simpy3
    /usr/bin/python3 bench/simpy.py 200000 1        # customers, seed
"""

import json
import random
import sys
import time

# Python looks for modules beside a script first, and this one has the name of the library.
sys.path.pop(0)

import simpy

ARRIVALS_PER_MS = 0.08
SERVICES_PER_MS = 0.1


def arrivals(env, server, customers, draws, times_ms):
    for _ in range(customers):
        yield env.timeout(draws.expovariate(ARRIVALS_PER_MS))
        env.process(customer(env, server, draws, times_ms))


def customer(env, server, draws, times_ms):
    arrived_ms = env.now
    with server.request() as turn:
        yield turn
        yield env.timeout(draws.expovariate(SERVICES_PER_MS))
    times_ms.append(env.now - arrived_ms)


def main(customers, seed):
    env = simpy.Environment()
    times_ms = []
    env.process(arrivals(env, simpy.Resource(env), customers, random.Random(seed), times_ms))
    started = time.process_time()
    env.run()
    seconds = time.process_time() - started
    # The number of the next event; all before it were processed, since the run went on until none was left.
    events = next(env._eid)
    mean_ms = sum(times_ms) / len(times_ms)
    print(json.dumps({"customers": len(times_ms), "seconds": seconds, "events": events, "meanMs": mean_ms}))


main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
