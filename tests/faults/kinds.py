"""The kinds of fault. Each is injected while people talk, and is over when its function returns.

``shows`` says what must have been seen, so that a trial in which nothing happened cannot pass.
"""

from collections.abc import Mapping

from tests.faults.grounds import GROUNDS
from tests.faults.harm.links import (
    kill_links,
    lose_answers,
    make_links_deaf,
    silence_links,
    silence_one_link,
)
from tests.faults.harm.nodes import freeze_a_node, kill_a_node, roll_all_nodes
from tests.faults.harm.people import cut_all_sockets, let_a_crowd_come_and_go, stop_reading
from tests.faults.harm.redis import (
    flush_functions,
    pause_redis,
    restart_redis,
    restart_redis_with_older_data,
)
from tests.faults.harm.slots import grow_and_shrink, move_pools
from tests.faults.harm.takeovers import (
    force_a_takeover,
    freeze_a_primary,
    kill_a_primary,
    kill_a_replica,
    kill_a_sentinel,
    order_a_takeover,
    part_the_network,
)
from tests.faults.scene import Kind

REPLICATED = ("sentinel", "cluster")

KINDS: Mapping[str, Kind] = {
    "kill": Kind("a node is killed with -9", kill_a_node, ("back", "closed 1006")),
    "roll": Kind("all nodes are restarted, one after the other", roll_all_nodes, ("closed 1001",)),
    "freeze": Kind(
        "a node stands still past its lease, and wakes", freeze_a_node, ("back", "PartnerAway")
    ),
    "links": Kind("links and subscriptions are killed", kill_links, ("code 2",), calm=True),
    "deaf": Kind("subscriptions die, answers come as ever", make_links_deaf, calm=True),
    "silent": Kind("a link goes silent", silence_links, ("code 2",)),
    "one": Kind("the link to one primary goes silent", silence_one_link, on=("cluster",)),
    "pause": Kind("Redis stands still", pause_redis, calm=True),
    "restart": Kind("Redis is killed with -9 and comes back", restart_redis, ("code 2",), calm=True),
    "flush": Kind("Redis loses the function library", flush_functions, ("code 2",), calm=True),
    "answers": Kind("answers are lost after the function ran", lose_answers, ("code 2",), calm=True),
    "sockets": Kind("all sockets are cut at once", cut_all_sockets, ("back", "PartnerBack")),
    "readers": Kind(
        "readers stop reading", stop_reading, ("closed 4002", "back"), receive_buffer=8192
    ),
    "crowd": Kind(
        "people come and go at random", let_a_crowd_come_and_go,
        settings={"CHAT_GRACE_SECONDS": "3"},
    ),
    "older": Kind(
        "Redis comes back with older data", restart_redis_with_older_data, ("back",), lossy=True,
        on=("redis",),
    ),
    "primary": Kind(
        "a primary is killed with -9", kill_a_primary, ("code 2",), takes_over=True, on=REPLICATED
    ),
    "stale": Kind(
        "a primary stands still until it is replaced, and wakes", freeze_a_primary, ("code 2",),
        takes_over=True, on=REPLICATED,
    ),
    "parted": Kind(
        "the network is parted, with a primary on the smaller side", part_the_network, ("code 2",),
        takes_over=True, parts=True, on=REPLICATED,
    ),
    "replica": Kind("a replica is killed with -9", kill_a_replica, calm=True, on=REPLICATED),
    "sentinel": Kind(
        "a sentinel is killed with -9", kill_a_sentinel, ("code 2",), calm=True, on=("sentinel",)
    ),
    "ordered": Kind(
        "a replica is told to take over", order_a_takeover, calm=True, on=REPLICATED
    ),
    "forced": Kind(
        "a replica takes over and nobody asks the primary", force_a_takeover, ("code 2",),
        takes_over=True, on=("cluster",),
    ),
    "move": Kind("pools move to other primaries", move_pools, calm=True, on=("cluster",)),
    "grow": Kind("a primary is added and removed", grow_and_shrink, calm=True, on=("cluster",)),
}  # fmt: skip


def trials(*grounds: str) -> list[tuple[str, str]]:
    """Every kind on each of the grounds that it is for."""
    return [
        (ground, name)
        for ground in grounds or GROUNDS
        for name, kind in KINDS.items()
        if ground in kind.on
    ]
