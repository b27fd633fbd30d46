"""What makes the page pleasant: links, emoji, groups, the pill, the count, drafts."""

import asyncio

from playwright.async_api import expect

from tests.browser.conftest import House
from tests.browser.scene import PHONE, pair, windows
from tests.support.nodes import NodeProcess


def test_a_name_is_suggested_and_another_on_request(house: House) -> None:
    """The field is filled in, and the button beside it has other ideas."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada = await open_window()
            names = set()
            for _ in range(10):
                names.add(await ada.page.input_value("#nickname"))
                await ada.page.click("#suggest")
            assert len(names) > 1
            assert all(len(name.split()) == 2 and len(name) <= 30 for name in names)

    asyncio.run(scenario())


def test_links_and_emoji_and_groups(house: House) -> None:
    """A link leads where it says, emoji alone are large, messages of one person stand together."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("See www.example.org/a_(b), please", "🎉👋", "not so 🎉 large")
            await bob.hears("not so 🎉 large")
            link = bob.page.locator("#log a")
            await expect(link).to_have_text("www.example.org/a_(b)")
            await expect(link).to_have_attribute("href", "https://www.example.org/a_(b)")
            await expect(bob.page.locator(".bubble.large")).to_have_count(1)
            await expect(bob.page.locator(".bubble.close")).to_have_count(2)
            await expect(bob.page.locator(".day")).to_have_text(["Today"])

    asyncio.run(scenario())


SCROLL_WHEN_IT_COMES = """() => {
  const parse = JSON.parse;
  JSON.parse = (text) => {
    if (text.includes('"news"')) document.querySelector("#scroll").scrollTop = 0;
    return parse(text);
  };
}"""


def test_it_stays_at_the_end_unless_one_reads_further_up(house: House) -> None:
    """At the end new messages scroll in; further up a pill counts them, and leads to them."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window, viewport=PHONE)
            await ada.say(*(f"line {number}" for number in range(30)))
            await bob.hears("line 29")
            await expect(bob.page.locator(".bubble").last).to_be_in_viewport()
            await bob.page.locator("#scroll").evaluate("scroll => scroll.scrollTop = 0")
            await ada.say("news 1", "news 2")
            await bob.sees("#pill", "2 new messages")
            await ada.mark("news 2", "sent")
            await expect(bob.page.locator(".bubble").last).not_to_be_in_viewport()
            await bob.page.click("#pill")
            await expect(bob.page.locator(".bubble").last).to_be_in_viewport()
            await bob.sees_no("#pill")
            await ada.mark("news 2", "read")
            await ada.press("#leave")
            await bob.sees("#over")
            await expect(bob.page.locator(".note").last).to_be_in_viewport()

    asyncio.run(scenario())


def test_who_has_just_scrolled_up_is_left_there(house: House) -> None:
    """Also when something comes in that very moment, before the page is told of the scrolling."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window, viewport=PHONE)
            await ada.say(*(f"line {number}" for number in range(30)))
            await bob.hears("line 29")
            await expect(bob.page.locator(".bubble").last).to_be_in_viewport()
            await bob.page.evaluate(SCROLL_WHEN_IT_COMES)
            await ada.say("news")
            await bob.sees("#pill", "1 new message")
            await expect(bob.page.locator(".bubble").last).not_to_be_in_viewport()

    asyncio.run(scenario())


def test_the_count_is_shown_near_the_limit_and_nothing_beyond_it_is_sent(house: House) -> None:
    """Silent in the middle, a count from 1800 characters on, and beyond 2000 Enter does nothing."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.page.fill("#message", "🦦" * 1800)
            await ada.sees_no("#count")
            await ada.page.fill("#message", "🦦" * 1950)
            await ada.sees("#count", "1950 of 2000")
            await ada.page.fill("#message", "🦦" * 2001)
            await ada.sees("#count", "Too long: 2001 of 2000")
            await ada.page.press("#message", "Enter")
            assert await ada.page.locator(".bubble").count() == 0
            await ada.page.fill("#message", "🦦" * 2000)
            await ada.page.press("#message", "Enter")
            await bob.hears("🦦" * 2000)
            await ada.say("   ")
            assert await ada.page.locator(".bubble.mine").count() == 1

    asyncio.run(scenario())


def test_what_could_not_be_sent_is_kept_and_marked(house: House) -> None:
    """The partner leaves while the network is down: the text stays, and says that it was not sent."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("before")
            await bob.hears("before")
            await ada.context.set_offline(True)
            await ada.strip_says("Connection lost")
            await ada.say("too late")
            await bob.press("#leave")
            await ada.context.set_offline(False)
            await ada.mark("too late", "failed")
            await ada.sees(".mark[data-state=failed]", "Not sent")
            await ada.mark("before", "read")

    asyncio.run(scenario())


def test_a_hidden_page_tells_of_messages_in_its_title(house: House) -> None:
    """Nothing counts as read while nobody looks; the title counts, a notification comes where allowed."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await bob.context.grant_permissions(["notifications"])
            await bob.page.evaluate(
                """() => {
                    globalThis.notes = [];
                    globalThis.Notification = class {
                        static permission = "granted";
                        constructor(text) { notes.push(text); }
                        addEventListener() {}
                    };
                    Object.defineProperty(document, "hidden", { get: () => !globalThis.looking });
                }"""
            )
            await ada.say("one", "two")
            await expect(bob.page).to_have_title("(2) Ada – Stranger chat")
            await ada.mark("two", "sent")
            notes = await bob.page.evaluate("notes")
            assert len(notes) == 2
            assert "New message from" in notes[0]
            await bob.page.evaluate(
                "looking = true, document.dispatchEvent(new Event('visibilitychange'))"
            )
            await ada.mark("two", "read")
            await expect(bob.page).to_have_title("Ada – Stranger chat")
            await bob.page.click("#alerts")
            await bob.page.evaluate("looking = false")
            await ada.say("three")
            await expect(bob.page).to_have_title("(1) Ada – Stranger chat")
            assert len(await bob.page.evaluate("notes")) == 2

    asyncio.run(scenario())


def test_too_many_new_people_from_one_address_are_told_so(house: House) -> None:
    """Calm words, the true reason, and no end: it goes on by itself when the node says that it may."""

    async def scenario(node: NodeProcess) -> None:
        async with windows(node.http) as open_window:
            ada, bob = await open_window(), await open_window()
            await ada.begin("Ada")
            await ada.sees("#wait")
            await expect(ada.page.locator("#me")).to_be_visible()
            await bob.begin("Bob")
            await bob.sees("#wait")
            await bob.strip_says("Many people have begun to chat from here")
            await bob.page.click("#cancel")
            await bob.sees("#start")

    with NodeProcess(house.server.url, {"CHAT_ACCOUNTS_PER_MINUTE": "1"}) as node:
        asyncio.run(scenario(node))


def test_what_was_being_written_when_the_partner_left_is_kept(house: House) -> None:
    """As a message that was not sent: it can be read and copied."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.page.fill("#message", "A long thought, not quite fin")
            await bob.press("#leave")
            await ada.sees("#over")
            await ada.mark("A long thought, not quite fin", "failed")
            await ada.sees(".note:last-child", "Bob has left")

    asyncio.run(scenario())
