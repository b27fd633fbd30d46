"""Who is typing, and who has stopped."""

import asyncio

from chat.client.client import Client
from chat.client.events import Session
from chat.talk.talker import Talker
from chat.talk.typist import Typist
from tests.support.scripted_node import ScriptedNode
from tests.talk.scene import NOON


def test_pause_ends_typing() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            client = Client(node.url)
            entering = asyncio.create_task(client.__aenter__())
            peer = await node.accept()
            await peer.welcome()
            await entering
            talker = Talker(client, print, print, lambda: NOON)
            talker.state.session = Session(7000, 2000, "Bob")
            typist = Typist(talker, pause=0.05)
            running = asyncio.create_task(typist.run())
            typist.changed("h")
            for typing in (True, False):
                assert (await peer.receive("TYPING_REQ"))["typing"] is typing
            typist.changed("/leave")
            running.cancel()
            await asyncio.wait([running])
            await client.aclose()
            assert peer.unread() == []

    asyncio.run(scenario())


def test_typing_goes_on_for_the_partner_of_now() -> None:
    """Who types while the partner changes is not typing to the one before."""

    async def scenario() -> None:
        async with ScriptedNode() as node:
            client = Client(node.url)
            entering = asyncio.create_task(client.__aenter__())
            peer = await node.accept()
            await peer.welcome()
            await entering
            talker = Talker(client, print, print, lambda: NOON)
            talker.state.session = Session(7000, 2000, "Bob")
            typist = Typist(talker)
            running = asyncio.create_task(typist.run())
            typist.changed("h")
            assert (await peer.receive("TYPING_REQ"))["sessionId"] == 7000
            talker.state.session = Session(7001, 3000, "Eve")
            typist.changed("he")
            frame = await peer.receive("TYPING_REQ")
            assert (frame["sessionId"], frame["typing"]) == (7001, True)
            talker.state.session = None
            typist.changed("hel")
            typist.changed("")
            peer.send("PING_REQ", accountId=1000)
            await peer.receive("PING_RESP")
            running.cancel()
            await asyncio.wait([running])
            await client.aclose()
            assert peer.unread() == []

    asyncio.run(scenario())
