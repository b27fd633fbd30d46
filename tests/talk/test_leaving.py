"""Leaving, and no longer looking: afterwards nobody is there, and nothing else has to wait for it."""

import asyncio

from tests.talk.scene import Pipe, Scene, piped, through_pipe


async def settled(scene: Scene) -> list[str]:
    """What the talk has asked for meanwhile."""
    scene.peer.send("PING_REQ", accountId=1000)
    commands: list[str] = []
    while not commands or commands[-1] != "PING_RESP":
        commands.append((await scene.peer._frames.get())["cmd"])
    return commands[:-1]


def test_leave_directly_after_next_looks_for_nobody() -> None:
    """Both lines were there before the search had begun."""

    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await scene.matched()
                pipe.write("/next\n/leave\n")
                await scene.peer.receive("LEAVE_REQ")
                scene.peer.send("LEAVE_RESP", code=0)
                await scene.peer.receive("MATCH_CANCEL_REQ")
                scene.peer.send("MATCH_CANCEL_RESP", code=0)
                await scene.out.shows("* you stopped looking")
                assert await settled(scene) == []

    asyncio.run(scenario())


async def looking_no_more(scene: Scene, pipe: Pipe) -> None:
    """Found by Bob in the moment of giving up."""
    scene.peer = await scene.node.accept()
    await scene.peer.welcome()
    await scene.peer.receive("MATCH_REQ")
    scene.peer.send("MATCH_RESP", code=4)
    pipe.write("/leave\n")
    await scene.peer.receive("MATCH_CANCEL_REQ")
    scene.peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
    scene.peer.send("MATCH_CANCEL_RESP", code=0)
    await scene.peer.receive("PUSH_SIGNAL_RESP")
    await scene.peer.receive("LEAVE_REQ")


def test_events_are_told_while_somebody_is_left() -> None:
    """Also that the connection is gone on which the answer would have come."""

    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await looking_no_more(scene, pipe)
                scene.peer.abort()
                await scene.out.shows("* connection lost")

    asyncio.run(scenario())


def test_leaving_that_is_refused_does_not_end_the_talk() -> None:
    """It is told, and the next line is taken."""

    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await looking_no_more(scene, pipe)
                scene.peer.send("LEAVE_RESP", code=5)
                await scene.errors.shows("! not left: the node does not allow it")
                pipe.write("/help\n")
                await scene.out.shows("/next   leave")

    asyncio.run(scenario())


def test_search_begins_when_the_last_one_is_left() -> None:
    """A node would answer with the session that has had no message yet."""

    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await looking_no_more(scene, pipe)
                pipe.write("/next\n")
                await scene.out.shows("* you stopped looking\n* looking for a stranger…")
                assert await settled(scene) == []
                scene.peer.send("LEAVE_RESP", code=0)
                await scene.peer.pair(7001, 3000, "Eve")
                await scene.out.shows("* you are talking with Eve")

    asyncio.run(scenario())


def test_search_that_was_asked_for_twice_is_one() -> None:
    """Otherwise a second stranger would be found, and left, in the middle of the talk."""

    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await looking_no_more(scene, pipe)
                pipe.write("/next\n/leave\n/next\n")
                await scene.peer.receive("MATCH_CANCEL_REQ")
                scene.peer.send("MATCH_CANCEL_RESP", code=0)
                await scene.out.shows("* you stopped looking\n* looking for a stranger…\n* you")
                scene.peer.send("LEAVE_RESP", code=0)
                await scene.peer.pair(7001, 3000, "Eve")
                await scene.out.shows("* you are talking with Eve")
                assert await settled(scene) == []

    asyncio.run(scenario())
