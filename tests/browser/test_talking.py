"""Two people at the page, on two nodes behind a balancer."""

import asyncio

from playwright.async_api import expect

from tests.browser.conftest import House
from tests.browser.scene import PHONE, pair, windows


def test_two_people_on_different_nodes_talk_both_ways(house: House) -> None:
    """They meet, each is on a node of their own, and what each says the other gets, read and marked."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            assert len(house.homes()) == 2
            await ada.say("Hello!", "How are you?")
            await bob.hears("How are you?")
            await bob.say("Fine.\nAnd you?")
            await ada.hears("Fine.\nAnd you?")
            await ada.mark("How are you?", "read")
            await bob.mark("Fine.\nAnd you?", "read")
            assert await bob.texts() == ["Hello!", "How are you?"]

    asyncio.run(scenario())


def test_a_message_is_sent_and_only_then_read(house: House) -> None:
    """Who looks elsewhere has not read: the mark says sent until the partner comes back to the talk."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await expect(bob.page.locator("#another")).to_be_disabled()
            await ada.say("Hello")
            await bob.hears("Hello")
            await bob.page.click("#another")
            await bob.sees("#wait")
            await ada.say("Are you there?")
            await ada.mark("Are you there?", "sent")
            await bob.sees(".badge", "1")
            await expect(bob.page).to_have_title("(1) Stranger chat")
            await bob.tab("Ada")
            await ada.mark("Are you there?", "read")
            await bob.sees_no(".badge")

    asyncio.run(scenario())


def test_typing_is_seen_and_ends(house: House) -> None:
    """Dots while the partner types, none after the message or when the text is taken back."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.page.type("#message", "Hel")
            await bob.sees(".dots")
            await bob.sees("#presence", "Ada")
            await ada.say("Hello")
            await bob.hears("Hello")
            await bob.sees_no(".dots")
            await ada.page.type("#message", "x")
            await bob.sees(".dots")
            await ada.page.fill("#message", "")
            await bob.sees_no(".dots")

    asyncio.run(scenario())


def test_next_stranger(house: House) -> None:
    """One press with nothing said, two with something; the old partner is told, a new one is found."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("Bye")
            await bob.hears("Bye")
            await ada.page.click("#next")
            await ada.sees("#next[data-sure]", "Really")
            await ada.page.click("#next")
            await ada.sees("#wait")
            await bob.sees(".note:last-child", "Ada has left")
            await bob.sees("#over")
            assert await bob.focused() == "scroll"
            eve = await open_window()
            await eve.begin("Eve")
            await ada.talks_with("Eve")
            await eve.page.click("#next")
            await ada.sees("#over")

    asyncio.run(scenario())


def test_leaving_and_coming_again(house: House) -> None:
    """Leave ends the talk, the text stays to be read, and a closed one leads back to the start."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("Goodbye")
            await bob.hears("Goodbye")
            await ada.press("#leave")
            await ada.sees(".note:last-child", "You have left")
            assert await ada.texts("mine") == ["Goodbye"]
            await bob.sees("#over")
            await ada.page.click("#shut")
            await ada.sees("#start")
            await ada.begin("Ada the Second")
            await ada.sees("#wait")
            await bob.page.click("#more")
            await bob.talks_with("Ada the Second")

    asyncio.run(scenario())


def test_a_search_can_be_given_up(house: House) -> None:
    """Cancel and Escape: nobody waits in the queue any more, and who comes next waits alone."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada = await open_window()
            await ada.begin("Ada")
            await ada.sees("#wait")
            await ada.page.click("#cancel")
            await ada.sees("#start")
            await ada.begin("Ada")
            await ada.sees("#wait")
            await ada.page.keyboard.press("Escape")
            await ada.sees("#start")
            bob = await open_window()
            await bob.begin("Bob")
            await bob.sees("#wait #waited", "2 seconds")
            await ada.sees("#start")

    asyncio.run(scenario())


def test_several_talks_in_tabs(house: House) -> None:
    """Each talk has its tab, unread counts, draft and history; the keyboard goes from one to the other."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("To Bob")
            await bob.hears("To Bob")
            await ada.page.fill("#message", "half a thought")
            await ada.page.click("#another")
            eve = await open_window()
            await eve.begin("Eve")
            await ada.talks_with("Eve")
            await bob.say("one", "two")
            await ada.sees(".badge", "2")
            await expect(ada.page).to_have_title("(2) Eve – Stranger chat")
            await eve.say("From Eve")
            await ada.hears("From Eve")
            await ada.page.get_by_role("tab", name="Eve").focus()
            await ada.page.keyboard.press("ArrowUp")
            await ada.talks_with("Bob")
            assert await ada.texts() == ["one", "two"]
            assert await ada.page.input_value("#message") == "half a thought"
            await ada.page.keyboard.press("End")
            await ada.talks_with("Eve")
            assert await ada.texts() == ["From Eve"]

    asyncio.run(scenario())


def test_chinese_by_the_languages_of_the_browser(house: House) -> None:
    """All words are Chinese, also the name that is suggested; a word in the making is not sent by Enter."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            wei = await open_window(locale="zh-CN", viewport=PHONE)
            assert await wei.page.evaluate("document.documentElement.lang") == "zh"
            await wei.sees("#start h1", "和陌生人聊聊")
            assert "的" in await wei.page.input_value("#nickname")
            await wei.page.click("#start .main")
            ada = await open_window()
            await ada.begin("Ada")
            await wei.talks_with("Ada")
            await wei.page.fill("#message", "ni")
            await wei.page.evaluate(
                """document.querySelector("#message").dispatchEvent(new KeyboardEvent("keydown",
                   {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""
            )
            assert await wei.page.input_value("#message") == "ni"
            await wei.say("你好，世界")
            await ada.hears("你好，世界")
            await wei.mark("你好，世界", "read")
            await wei.sees(".mark", "已读")

    asyncio.run(scenario())


def test_a_slow_click_on_a_tab_counts(house: House) -> None:
    """Also when the tabs are drawn anew between the press and the release, as they are every second."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("Hello")
            await bob.hears("Hello")
            await ada.page.click("#another")
            await ada.sees("#wait")
            await ada.page.get_by_role("tab", name="Bob").click(delay=1500)
            await ada.talks_with("Bob")

    asyncio.run(scenario())


def test_a_name_that_is_changed_before_there_is_an_account_counts(house: House) -> None:
    """Cancelled while no node answers, and begun again with another name: that is the one."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada = await open_window()
            for node in house.nodes:
                node.freeze()
            await ada.begin("Ada")
            await ada.sees("#wait")
            await ada.page.click("#cancel")
            await ada.begin("Zoe")
            for node in house.nodes:
                node.thaw()
            await ada.sees("#me", "Zoe")

    asyncio.run(scenario())
