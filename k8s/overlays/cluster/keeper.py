"""Forms a Redis Cluster, and keeps it whole: brings together who has a new address, lets somebody whose volume was
lost be a replica again. One of it is enough, and nothing needs it while nothing changes.

PEERS is "host:port host:port …", PRIMARIES how many of them have slots, CHAT_POOLS what nodes are told too; the
password is in KEEPER_PASSWORD. It works in steps, each after a new look: plan.py. Who takes over for a primary that is gone
is not its affair: servers decide that among themselves.
"""

import os
import signal
import sys
import time

import redis

from plan import Order, Wanted, plan
from servers import connected, look_at_all

LOOK_SECONDS = 2.0
STEP_SECONDS = 0.5


def wanted() -> Wanted:
    places = os.environ["PEERS"].split()
    if len({place.rpartition(":")[0] for place in places}) < len(places):
        sys.exit("keeper: each of PEERS needs a host name of its own")
    return Wanted(places, int(os.environ["PRIMARIES"]), int(os.environ["CHAT_POOLS"]))


class Keeper:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._said = ""

    def step(self) -> bool:
        """Look once, and do what there is to do; whether there was anything."""
        views = look_at_all(self._wanted.places)
        orders = plan(views, self._wanted)
        for order in orders:
            self._carry_out(order)
        if not orders:
            missing = [place for place in self._wanted.places if place not in views]
            self._say(f"no answer from {' '.join(missing)}" if missing else "all is whole")
        return bool(orders)

    def _carry_out(self, order: Order) -> None:
        said = f"{order.place}: {' '.join(map(str, order.words))}"
        try:
            with connected(order.place) as client:
                client.execute_command(*order.words)
        except (OSError, redis.RedisError) as error:
            # It is not so far yet, or has just gone: the next look shows what remains.
            self._say(f"{said}: {error}")
        else:
            self._say(said)

    def _say(self, what: str) -> None:
        """Not again and again while it waits."""
        if what != self._said:
            print(f"keeper: {what}", flush=True)
        self._said = what


def main() -> None:
    # As the first process of a container it would not be ended by it otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keeper = Keeper(wanted())
    while True:
        time.sleep(STEP_SECONDS if keeper.step() else LOOK_SECONDS)


if __name__ == "__main__":
    main()
