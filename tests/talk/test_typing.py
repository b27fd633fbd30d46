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
            talker.session = Session(7000, 2000, "Bob")
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
