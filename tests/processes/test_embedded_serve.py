"""``chat serve`` and nothing else: no Redis, no settings."""

import asyncio

from tests.support.nodes import NodeProcess
from tests.support.wire import Wire, pair


def test_it_says_what_it_is_and_where() -> None:
    """In one line: the address to open, and that nothing is kept."""
    with NodeProcess() as node:
        lines = [line for line in node.log().splitlines() if "embedded" in line]
        assert len(lines) == 1
        assert f"{node.http}/" in lines[0]
        status, page = node.get("/")
        assert status == 200
        assert page


def test_two_strangers_talk() -> None:
    """And one who was cut off gets on return what was said meanwhile."""

    async def scenario(url: str) -> None:
        a, b, session = await pair(url, url)
        await a.say(session, "hello")
        await b.expect("PUSH_DIALOGUE_REQ", content="hello")
        await b.viewed(session, 1)
        await a.expect("PUSH_VIEWED_ACK_REQ", msgId=1)
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await a.say(session, "meanwhile")
        again = await Wire.open(url)
        assert (await again.take_over(b))["recovered"] is True
        await again.expect("PUSH_DIALOGUE_REQ", content="meanwhile")
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        await again.close(1000)
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")

    with NodeProcess() as node:
        asyncio.run(scenario(node.url))


def test_without_any_standard_streams() -> None:
    """As a shell may have closed them: it serves all the same."""

    class Closed(NodeProcess):
        def _command(self) -> list[str]:
            return ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *super()._command()]

    async def scenario(url: str) -> None:
        a, b, session = await pair(url, url)
        await a.say(session, "hello")
        await b.expect("PUSH_DIALOGUE_REQ", content="hello")

    with Closed() as node:
        asyncio.run(scenario(node.url))
        assert node.stop() == 0


def test_it_stops_in_order() -> None:
    """SIGTERM: sockets are closed with 1001, the exit code is 0, and there is no traceback."""

    async def scenario(node: NodeProcess) -> None:
        a, b, _ = await pair(node.url, node.url)
        code = asyncio.create_task(asyncio.to_thread(node.stop))
        assert {await a.closed(), await b.closed()} == {1001}
        assert await code == 0

    with NodeProcess(env={"CHAT_DRAIN_SECONDS": "1"}) as node:
        asyncio.run(scenario(node))
        assert "Traceback" not in node.log()
