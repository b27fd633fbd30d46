"""Nobody is kept out: axe on every state, the keyboard alone, narrow screens, less motion, other scripts."""

import asyncio
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.conftest import House
from tests.browser.scene import DESKTOP, PHONE, Person, pair, windows
from tests.browser.states import all_states

NARROW = {"width": 320, "height": 568}
LOW = {"width": 568, "height": 320}

# The page, or a part of it that would have to be scrolled sideways.
WIDE = """["html", "#start", "#wait", "#scroll"].some(selector => {
    const { scrollWidth, clientWidth } = document.querySelector(selector);
    return scrollWidth > clientWidth;
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, NARROW], ids=["desktop", "narrow"])
def test_axe_finds_nothing(house: House, size: Any, scheme: str) -> None:
    """No violation in any state of the page, in light and dark, and nothing wider than the screen."""

    async def look(seen: list[str], state: str, person: Person) -> None:
        seen.append(state)
        results = await Axe().run(person.page)
        assert results.violations_count == 0, f"{state}: {results.generate_report()}"
        assert not await person.page.evaluate(WIDE), f"{state}: wider than the screen"

    async def scenario() -> None:
        seen: list[str] = []
        async with windows(house.http) as open_window:
            options = {"viewport": size, "color_scheme": scheme, "bypass_csp": True}
            await all_states(house, partial(open_window, **options), partial(look, seen))
        assert len(seen) == 8

    asyncio.run(scenario())


def test_the_keyboard_alone(house: House) -> None:
    """From the name to a talk, a message, and a new search without ever touching the mouse."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await open_window(), await open_window()
            await bob.begin("Bob")
            await bob.sees("#wait")
            keyboard = ada.page.keyboard
            await ada.page.focus("#nickname")
            await keyboard.press("Tab")
            assert await ada.focused() == "suggest"
            await keyboard.press("Tab")
            await keyboard.press("Enter")
            await ada.talks_with("Bob")
            await expect(ada.page.locator("#message")).to_be_focused()
            await keyboard.type("Hello")
            await keyboard.press("Shift+Enter")
            await keyboard.type("World")
            await keyboard.press("Enter")
            await bob.hears("Hello\nWorld")
            for _ in range(3):
                await keyboard.press("Shift+Tab")
            assert await ada.focused() in {"leave", "next", "scroll"}
            await ada.page.focus("#leave")
            await keyboard.press("Enter")
            await keyboard.press("Enter")
            await ada.sees("#over")
            await expect(ada.page.locator("#scroll")).to_be_focused()
            await keyboard.press("Tab")
            assert await ada.focused() == "more"
            await keyboard.press("Enter")
            await ada.sees("#wait")
            await expect(ada.page.locator("#cancel")).to_be_focused()

    asyncio.run(scenario())


def test_the_log_is_read_aloud_and_old_messages_are_not(house: House) -> None:
    """New messages come into a polite live region, with who said them; marks have words."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            log = ada.page.get_by_role("log")
            await expect(log).to_have_attribute("aria-live", "polite")
            await bob.say("Hello")
            await expect(log).to_contain_text("Bob: Hello")
            await ada.say("Hi")
            await expect(log).to_contain_text("You: Hi")
            await expect(log).to_contain_text("Read")
            await expect(ada.page.get_by_role("tabpanel")).to_have_accessible_name("Bob")

    asyncio.run(scenario())


def test_less_motion_for_those_who_want_less(house: House) -> None:
    """Nothing moves, and waiting can still be seen."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada = await open_window(reduced_motion="reduce")
            await ada.begin("Ada")
            await ada.sees("#wait .pulse i")
            assert await ada.page.evaluate("document.getAnimations().length") == 0

    asyncio.run(scenario())


def test_text_runs_from_right_to_left_where_it_is_written_so(house: House) -> None:
    """Each message in the direction of its own script."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window, viewport=PHONE)
            await ada.say("مرحبا، كيف حالك؟", "Hello")
            await bob.hears("Hello")
            directions = await bob.page.locator(".bubble .text").evaluate_all(
                "texts => texts.map(text => getComputedStyle(text).direction)"
            )
            assert directions == ["rtl", "ltr"]

    asyncio.run(scenario())


def test_the_focus_is_never_lost(house: House) -> None:
    """Whatever is pressed or happens, and hides what had the focus: it is on what comes next."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.say("Goodbye")
            await bob.hears("Goodbye")
            await bob.press("#leave")
            await ada.sees("#over")
            await ada.page.click("#another")
            await expect(ada.page.locator("#cancel")).to_be_focused()
            await ada.page.click("#cancel")
            await expect(ada.page.locator("#scroll")).to_be_focused()
            await ada.page.click("#another")
            await ada.tab("Bob")
            await ada.page.click("#shut")
            await expect(ada.page.locator("#cancel")).to_be_focused()
            await ada.page.keyboard.press("Escape")
            await expect(ada.page.locator("#start .main")).to_be_focused()

    asyncio.run(scenario())


def test_a_low_screen_has_all_there_is_to_press(house: House) -> None:
    """A phone on its side, or a large magnification: other talks and the bell can be reached."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            eve = await open_window(viewport=LOW)
            await expect(eve.page.locator("#start .main")).to_be_in_viewport(ratio=1)
            await eve.begin("Eve")
            await expect(eve.page.locator("#cancel")).to_be_in_viewport(ratio=1)
            await eve.sees("#patience", "as soon as somebody comes", seconds=15)
            below = "document.querySelector('#waited').getBoundingClientRect().top"
            above = "document.querySelector('#patience').getBoundingClientRect().bottom"
            assert await eve.page.evaluate(f"{below} >= {above}")
            await eve.page.click("#cancel")
            ada, bob = await pair(open_window, viewport=LOW)
            for selector in ("#alerts", "#another", "#next", "#leave", "#message"):
                await expect(ada.page.locator(selector)).to_be_in_viewport(ratio=1)
            await bob.say("Hello")
            await ada.hears("Hello")
            await ada.page.click("#another")
            await ada.sees("#wait")
            await ada.tab("Bob")
            await ada.talks_with("Bob")
            await expect(ada.page.locator("#alerts")).to_be_in_viewport(ratio=1)
            assert not await ada.page.evaluate(WIDE)

    asyncio.run(scenario())


def test_only_the_messages_scroll(house: House) -> None:
    """However long the talk is, the page is as high as the screen: what is hidden in it for the ear too."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window, viewport=NARROW)
            await ada.say(*(f"line {number}" for number in range(20)))
            await bob.hears("line 19")
            for person in (ada, bob):
                high = "document.documentElement.scrollHeight > innerHeight"
                assert not await person.page.evaluate(high)

    asyncio.run(scenario())


def test_text_of_twice_the_size(house: House) -> None:
    """On a phone: who one talks with and every button are still in sight, and nothing is wider than the screen."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, _ = await pair(open_window, viewport=PHONE)
            await ada.page.evaluate("document.documentElement.style.fontSize = '32px'")
            for selector in ("#alerts", "#another", ".who", "#next", "#leave", "#message"):
                await expect(ada.page.locator(selector)).to_be_in_viewport(ratio=1)
            assert not await ada.page.evaluate(WIDE)

    asyncio.run(scenario())


def test_little_is_said_aloud(house: House) -> None:
    """A count once and not with every character, no mark unless it failed, and nothing that says what it said."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window)
            await ada.page.evaluate(
                "globalThis.said = 0, new MutationObserver(() => { said += 1; })"
                ".observe(document.querySelector('#strip'), { childList: true, subtree: true })"
            )
            await ada.say("Hello")
            await bob.hears("Hello")
            await ada.mark("Hello", "read")
            assert await ada.page.evaluate("said") == 0
            mark = ada.page.locator(".mark")
            await expect(mark).to_have_attribute("aria-live", "off")
            count = ada.page.locator("#count")
            await ada.page.fill("#message", "x" * 1801)
            await expect(count).to_have_attribute("aria-live", "polite")
            await ada.page.type("#message", "x")
            await expect(count).to_have_attribute("aria-live", "off")
            await ada.page.fill("#message", "x" * 2001)
            await expect(count).to_have_attribute("aria-live", "polite")
            await ada.context.set_offline(True)
            await ada.say("too late")
            await bob.press("#leave")
            await ada.context.set_offline(False)
            await ada.mark("too late", "failed", seconds=30)
            await expect(mark.last).to_have_attribute("aria-live", "polite")

    asyncio.run(scenario())


def test_a_note_runs_as_its_own_language_does(house: House) -> None:
    """Also where it begins with a name that runs the other way."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, omar = await open_window(), await open_window()
            await ada.begin("Ada")
            await ada.sees("#wait")
            await omar.begin("عمر")
            await ada.talks_with("عمر")
            await omar.press("#leave")
            note = await ada.sees(".note:last-child", "عمر has left.")
            assert await note.evaluate("note => getComputedStyle(note).direction") == "ltr"

    asyncio.run(scenario())
