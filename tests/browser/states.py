"""One person's way through every state of the page, for those who want to look at each of them."""

from collections.abc import Awaitable, Callable

from tests.browser.conftest import House
from tests.browser.scene import Open, Person

Look = Callable[[str, Person], Awaitable[None]]

TALK = (
    ("Ada", "Hello! Where in the world are you?"),
    ("Bob", "Hi Ada 👋"),
    ("Bob", "By the sea. It rains, and I like it."),
    ("Ada", "I am reading about otters: https://en.wikipedia.org/wiki/Otter"),
    ("Bob", "🦦"),
    ("Ada", "They hold hands when they sleep, so that nobody drifts away."),
)


async def all_states(house: House, open_window: Open, look: Look) -> None:
    """Calls ``look`` in each state: start, waiting, talking, tabs, away, reconnecting, ended, gone."""
    ada, bob = await open_window(), await open_window()
    people = {"Ada": ada, "Bob": bob}
    await ada.page.fill("#nickname", "Ada")
    await look("start", ada)
    await ada.page.press("#nickname", "Enter")
    await ada.sees("#wait")
    await look("waiting", ada)
    await bob.begin("Bob")
    await bob.talks_with("Ada")
    for name, text in TALK:
        await people[name].say(text)
        await people["Bob" if name == "Ada" else "Ada"].hears(text)
    await ada.mark(TALK[-1][1], "read")
    await bob.page.type("#message", "Nobody told me th")
    await ada.sees(".dots")
    await look("talking", ada)
    await bob.page.fill("#message", "")
    await ada.page.click("#another")
    eve = await open_window()
    await eve.begin("Clever Fox")
    await ada.talks_with("Clever Fox")
    await bob.say("Are you still there?")
    await ada.sees(".badge")
    await look("tabs", ada)
    await eve.page.click("#leave")
    await ada.page.click("#shut")
    await ada.talks_with("Bob")
    address = bob.page.url
    await bob.page.goto("about:blank")
    await ada.strip_says("lost the connection")
    await look("away", ada)
    await bob.page.goto(address)
    await ada.strip_says("is back")
    for node in house.nodes:
        node.freeze()
    await ada.say("Can you hear me?")
    await ada.context.set_offline(True)
    await ada.strip_says("Connection lost")
    await look("reconnecting", ada)
    for node in house.nodes:
        node.thaw()
    await ada.context.set_offline(False)
    await bob.hears("Can you hear me?")
    await bob.press("#leave")
    await ada.sees("#over")
    await look("ended", ada)
    await eve.begin("Clever Fox")
    await ada.page.click("#more")
    await ada.talks_with("Clever Fox")
    await ada.page.goto("about:blank")
    await eve.sees("#over", seconds=20)
    await ada.page.goto(house.http)
    await ada.strip_says("away for too long")
    await look("gone", ada)
