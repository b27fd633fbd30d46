"""An older client, which knows none of the extensions, with somebody at the page."""

import asyncio

from tests.browser.conftest import House
from tests.browser.scene import windows
from tests.support.old_client import OldClient


def test_an_old_client_and_the_page_talk(house: House) -> None:
    """They meet, talk both ways, read, and each sees what it knows of when the other goes."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            old = OldClient(house.balancer.url)
            await old.begin("Old")
            old.ask()
            await old.notices("MATCH_RESP", code=4)
            ada = await open_window()
            await ada.begin("Ada")
            await ada.talks_with("Old")
            session = (await old.notices("PUSH_SIGNAL_REQ", signalType="NewSession"))["sessionId"]
            await ada.say("Hello, old friend")
            push = await old.notices("PUSH_DIALOGUE_REQ", content="Hello, old friend")
            old.read(push)
            await old.notices("VIEWED_ACK_RESP", code=0)
            await ada.mark("Hello, old friend", "read")
            old.say(session, "Hello, young friend")
            await old.notices("DIALOGUE_RESP", code=0)
            await ada.hears("Hello, young friend")
            await old.notices("PUSH_VIEWED_ACK_REQ", sessionId=session)
            await old.pinged()
            # Its socket is lost, and it comes back with its token, as it does after a second.
            old.wire.abort()
            await ada.sees("#presence", "away")
            await old.again(house.balancer.url)
            await ada.sees("#presence", "here")
            await ada.say("And on we go")
            await old.notices("PUSH_DIALOGUE_REQ", content="And on we go")
            await ada.press("#leave")
            await old.notices("PUSH_SIGNAL_REQ", signalType="PartnerExit")

    asyncio.run(scenario())
