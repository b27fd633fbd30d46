"""Where strangers wait for each other, for both counterparts: a list in Redis."""

from collections.abc import Awaitable, Callable

from redis.asyncio import BlockingConnectionPool, Redis

CONNECTIONS = 8
"""Left alone, redis-py makes one for each who asks at the same time, and refuses more than 100."""
MEET = """
local waiting = redis.call('LPOP', KEYS[1])
if not waiting then redis.call('RPUSH', KEYS[1], ARGV[1]) end
return waiting
"""


def meeting(redis_url: str) -> Callable[[str], Awaitable[str | None]]:
    """What takes who asks, and returns who has waited longest; or None, and who asks waits.

    In one step: otherwise two who ask at once might both wait.
    """
    pool = BlockingConnectionPool.from_url(
        redis_url, max_connections=CONNECTIONS, timeout=60, decode_responses=True
    )
    script = Redis(connection_pool=pool).register_script(MEET)

    async def meet(who: str) -> str | None:
        found: str | None = await script(["queue"], [who])
        return found

    return meet
