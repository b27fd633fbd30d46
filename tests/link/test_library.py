"""The function library: there from the start, loaded again where a server has lost it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from chat.config import Settings
from chat.errors import Code
from chat.store.library import LIBRARY
from chat.store.open import open_store
from chat.store.store import Store
from chat.store.upkeep import Leased
from tests.link.calls import until
from tests.support.servers import Server


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[Store]:
    settings = Settings(redis_url=server.url)
    store = open_store(
        settings,
        "node-1",
        lambda channel, frame: None,
        lambda *answers: None,
        lambda pools: None,
        lambda pressed: None,
        monotonic,
    )
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def loaded(server: Server) -> dict[str, set[str]]:
    """The libraries of the server, each with the names of its functions."""
    with server.client(decode_responses=True, protocol=3) as client:
        return {
            library["library_name"]: {function["name"] for function in library["functions"]}
            for library in client.execute_command("FUNCTION", "LIST")
        }


def test_it_is_loaded_at_the_start(empty_server: Server) -> None:
    """All names carry the version, so that those of another version have room beside them."""

    async def scenario() -> None:
        assert loaded(empty_server) == {}
        async with opened(empty_server) as store:
            names = loaded(empty_server)[LIBRARY]
            assert {f"{LIBRARY}_{name}" for name in ("create", "attach", "say")} <= names
            assert all(name.startswith(f"{LIBRARY}_") for name in names)
            assert await store.upkeep.lease(0, {}) is Leased.NEW

    asyncio.run(scenario())


def test_it_may_be_there_already(empty_server: Server) -> None:
    """Another node has loaded it, and goes on working."""

    async def scenario() -> None:
        async with opened(empty_server) as store, opened(empty_server) as another:
            assert await store.upkeep.lease(0, {}) is Leased.NEW
            assert await store.upkeep.lease(0, {}) is Leased.KEPT
            assert await another.upkeep.held(0) == {}

    asyncio.run(scenario())


def test_another_version_stays(empty_server: Server) -> None:
    """A library of another name is not touched."""

    async def scenario() -> None:
        with empty_server.client() as client:
            client.function_load(
                "#!lua name=chat_0\nredis.register_function('chat_0_say', function() end)"
            )
        async with opened(empty_server):
            assert loaded(empty_server)["chat_0"] == {"chat_0_say"}
            assert LIBRARY in loaded(empty_server)

    asyncio.run(scenario())


def test_it_is_loaded_again(empty_server: Server) -> None:
    """After a server has lost it: the call gets code 2, and the next one works."""

    async def scenario() -> None:
        async with opened(empty_server) as store:
            with empty_server.client() as client:
                client.function_flush("SYNC")
            codes: list[int] = []
            store.cancel(0, 1000, 1, lambda code, _: codes.append(code))
            await store.settled()
            assert codes == [Code.INTERNAL]
            store.cancel(0, 1000, 1, lambda code, _: codes.append(code))
            await until(lambda: len(codes) == 2, "the second answer")
            assert codes[1] == Code.LOST
            assert LIBRARY in loaded(empty_server)

    asyncio.run(scenario())


def test_it_comes_back_with_the_connection(empty_server: Server) -> None:
    """A restarted server that keeps nothing has it before the first call."""

    async def scenario() -> None:
        async with opened(empty_server) as store:
            await asyncio.to_thread(empty_server.restart)
            codes: list[int] = []

            def ask() -> bool:
                store.cancel(0, 1000, 1, lambda code, _: codes.append(code))
                return codes[-1:] == [Code.LOST]

            await until(ask, "an answer")
            assert set(codes) <= {Code.INTERNAL, Code.LOST}

    asyncio.run(scenario())
