"""What breaks while two people talk at the page, and how they see it mended."""

import asyncio

from playwright.async_api import Route, expect

from tests.browser.conftest import House
from tests.browser.scene import Person, pair, windows
from tests.support.process import wait_until


def test_a_reload_in_the_middle_keeps_the_talk(house: House) -> None:
    """All that was said is there, with its marks, what was being written too, and the talk goes on."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("one")
            await bob.hears("one")
            await bob.say("two")
            await ada.hears("two")
            await ada.mark("one", "read")
            await ada.page.fill("#message", "three, in the mak")
            await ada.page.reload()
            await ada.talks_with("Bob")
            await ada.mark("one", "read")
            assert await ada.texts() == ["two"]
            assert await ada.page.input_value("#message") == "three, in the mak"
            await ada.say("three")
            await bob.hears("three")
            await bob.say("four")
            await ada.hears("four")
            assert await bob.texts() == ["one", "three"]
            assert await ada.texts() == ["two", "four"]

    asyncio.run(scenario())


def test_what_was_said_before_a_reload_arrives_once(house: House) -> None:
    """Messages sent in the very moment of a reload are neither lost nor doubled, on either side."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            for turn in range(5):
                await asyncio.gather(ada.say(f"a{turn}"), bob.say(f"b{turn}"))
                await ada.page.reload()
                await ada.talks_with("Bob")
            for turn in range(5):
                await ada.mark(f"a{turn}", "read")
            await ada.hears("b4")
            assert await ada.texts("mine") == [f"a{turn}" for turn in range(5)]
            assert await bob.texts() == [f"a{turn}" for turn in range(5)]
            assert await ada.texts() == [f"b{turn}" for turn in range(5)]

    asyncio.run(scenario())


def test_the_network_is_lost_and_comes_back(house: House) -> None:
    """It says so calmly; what was said meanwhile is kept and marked, and arrives once it is back."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("before")
            await bob.hears("before")
            await ada.context.set_offline(True)
            await ada.say("during 1", "during 2")
            await bob.say("while you are away")
            await ada.mark("during 2", "sending")
            await ada.strip_says("Connection lost", seconds=20)
            await ada.context.set_offline(False)
            await bob.hears("during 2")
            await ada.hears("while you are away")
            await ada.strip_says("You are back")
            await ada.mark("during 1", "read")
            assert await bob.texts() == ["before", "during 1", "during 2"]
            assert await ada.texts() == ["while you are away"]

    asyncio.run(scenario())


def test_a_node_is_killed_and_the_talk_goes_on(house: House) -> None:
    """Whoever was on it comes back on the other; nothing is lost, nothing is shown twice."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("before")
            await bob.hears("before")
            house.nodes[0].kill()
            for turn in range(5):
                await asyncio.gather(ada.say(f"a{turn}"), bob.say(f"b{turn}"))
            await ada.hears("b4")
            await bob.hears("a4")
            await ada.mark("a4", "read")
            assert await ada.texts() == [f"b{turn}" for turn in range(5)]
            assert await bob.texts() == ["before", *(f"a{turn}" for turn in range(5))]

    asyncio.run(scenario())


def test_a_partner_is_away_back_and_gone(house: House) -> None:
    """Away is shown above the text field and in the head, back ends it, and after the grace time it is over."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await bob.say("hello")
            await ada.hears("hello")
            address = bob.page.url
            await bob.page.goto("about:blank")
            await ada.sees("#presence", "away")
            await ada.strip_says("Bob lost the connection")
            await ada.say("Come back!")
            await bob.page.goto(address)
            await bob.hears("Come back!")
            await ada.strip_says("Bob is back")
            await ada.sees("#presence", "here")
            await bob.page.close()
            await ada.sees("#presence", "away")
            await ada.sees(".note:last-child", "Bob has left", seconds=20)
            await ada.sees("#over")
            await ada.sees_no("#composer")

    asyncio.run(scenario())


def test_who_comes_back_too_late_is_told_and_begins_anew(house: House) -> None:
    """After the grace time the page says that it is over, keeps what was said, and offers a new start."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("hello")
            await bob.hears("hello")
            address = ada.page.url
            await ada.page.goto("about:blank")
            await bob.sees("#over", seconds=20)
            await ada.page.goto(address)
            await ada.strip_says("You were away for too long")
            assert await ada.texts("mine") == ["hello"]
            await ada.sees(".note:last-child", "has ended")
            await ada.sees("#more", "Start again")
            await ada.page.click("#more")
            await ada.sees("#wait")
            await bob.page.click("#more")
            await ada.talks_with("Bob")
            await ada.say("hello again")
            await bob.hears("hello again")

    asyncio.run(scenario())


def test_who_only_waited_and_comes_back_too_late_has_lost_no_conversation(house: House) -> None:
    """The page says what is so, and the button that begins anew is there."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada = await open_window()
            await ada.begin("Ada")
            await ada.sees("#wait")
            address = ada.page.url
            await ada.page.goto("about:blank")
            wait_until(lambda: not house.homes(), "Ada is forgotten", timeout=20)
            await ada.page.goto(address)
            await ada.strip_says("too long. Please start again")
            await ada.page.click("#start .main")
            await ada.sees("#wait")

    asyncio.run(scenario())


def test_a_second_window_takes_over_and_the_first_can_take_it_back(house: House) -> None:
    """A window that was duplicated goes on; the old one says so and does not fight for it."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            kept = await ada.state()
            other = await ada.context.new_page()
            await other.goto(house.http)
            await other.evaluate(
                "kept => sessionStorage.setItem('chat', JSON.stringify(kept))", kept
            )
            # Left without pagehide, which would write what this window knows: nothing.
            await other.evaluate("addEventListener('pagehide', e => e.stopImmediatePropagation())")
            await other.evaluate(
                "kept => { sessionStorage.setItem('chat', JSON.stringify(kept));"
                " Storage.prototype.setItem = () => {}; location.reload(); }",
                kept,
            )
            await ada.strip_says("goes on in another window")
            await expect(other.locator("#partner")).to_have_text("Bob")
            await ada.page.click("#mend")
            await ada.sees_no("#mend")
            await ada.say("Here I am")
            await bob.hears("Here I am")

    asyncio.run(scenario())


def test_what_another_window_has_had_is_missed_and_nothing_else_is_said(house: House) -> None:
    """The first window takes its chat back: it says that messages may be missing, not that nothing was lost."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("before")
            await bob.hears("before")
            async with bob.context.expect_page() as opened:
                await bob.page.evaluate("void open(location.href)")  # which copies the storage
            other = Person(await opened.value, house.http)
            await bob.strip_says("goes on in another window")
            await ada.say("to the other")
            await other.hears("to the other")
            await ada.mark("to the other", "read")
            await bob.page.click("#mend")
            await bob.sees_no("#mend")
            await ada.say("to both")
            await bob.hears("to both")
            await bob.sees(".note:nth-last-child(-n+2)", "messages may be missing")
            assert "Nothing was lost" not in (await bob.page.text_content("#news") or "")

    asyncio.run(scenario())


def test_a_chat_that_cannot_be_reached_says_so_and_goes_on_when_it_can(house: House) -> None:
    """No node answers: calm words, and as soon as one is there again, the search goes on by itself."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada = await open_window()
            for node in house.nodes:
                node.kill()
            await ada.begin("Ada")
            await ada.strip_says("cannot be reached")
            for node in house.nodes:
                node.start()
            wait_until(house.balancer.answers, "the balancer has found the nodes")
            bob = await open_window()
            await bob.begin("Bob")
            await ada.talks_with("Bob")

    asyncio.run(scenario())


def test_a_file_that_does_not_come_is_asked_for_again(house: House) -> None:
    """A node of another release, or one that dies at that moment: the page comes all the same."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada = await open_window()
            failures = 0

            async def fail(route: Route) -> None:
                nonlocal failures
                failures += 1
                if failures <= 2:
                    await route.fulfill(status=404)
                else:
                    await route.continue_()

            await ada.page.route("**/talk.js", fail)
            await ada.page.reload()
            await ada.sees("#start", seconds=20)
            assert failures >= 3

    asyncio.run(scenario())
