"""Several things at once, until one of them ends."""

import asyncio
from collections.abc import Coroutine


async def until_first(
    main: Coroutine[None, None, None], *rest: Coroutine[None, None, None]
) -> bool:
    """Run all until one ends, and end the others; whether it was ``main``. Raises what one raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in (main, *rest)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return tasks[0] in done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
