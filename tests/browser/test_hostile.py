"""Nobody can inject anything: text is text."""

import asyncio

from tests.browser.conftest import House
from tests.browser.scene import Person, pair, windows
from tests.support.wire import Wire

HOSTILE_NAMES = [
    "<img src=x onerror=pwned=1>",
    "<script>pwned=1</script>",
    '"><svg/onload=pwned=1>',
    "\u202egnp.exe\u202c",
    "Z̴̢̛̬̻̮͖̹̖̤̗͚̃̓̐̂͛̆͗̽a",
    "W" * 30,
    "$& {name} {n} %s",
]
HOSTILE_TEXTS = [
    "<img src=x onerror=pwned=1>",
    "<script>pwned=1</script><iframe src=javascript:pwned=1>",
    "javascript:pwned=1",
    "data:text/html,<script>pwned=1</script>",
    'https://example.org/"onmouseover="pwned=1',
    "https://example.org/<script>pwned=1</script>",
    "{{constructor.constructor('pwned=1')()}} ${pwned=1} $& $1 {name}",
    "\u202e\u2066 turned around \u2069\u202c",
    "\u0000\u0007\u001b[31m",
    "l" * 2000,
    "\n" * 300 + "end",
    "https://" + "a" * 1900 + ".example/",
]


async def unharmed(person: Person) -> None:
    """Nothing ran, nothing was made of text but text, and nothing is wider than the window."""
    assert await person.page.evaluate("typeof pwned") == "undefined"
    made = "#log img, #log script, #log iframe, #log svg, #partner *, #tabs img, #tabs script"
    assert await person.page.locator(made).count() == 0
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not await person.page.evaluate(wide)
    assert not await person.page.evaluate(
        "document.querySelector('#scroll').scrollWidth > document.querySelector('#scroll').clientWidth"
    )


def test_a_hostile_name_is_shown_as_it_is(house: House) -> None:
    """In the head, the tab, the title, the notes: as text, kept to itself, within its place."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            for name in HOSTILE_NAMES:
                ada = await open_window(viewport={"width": 320, "height": 568})
                await ada.begin("Ada")
                await ada.sees("#wait")
                stranger = await Wire.open(house.balancer.url)
                shown = (await stranger.create(name))["nickName"]
                await stranger.match()
                await ada.talks_with(shown)
                await ada.sees(".note", shown.strip("\u202e\u202c"))
                await unharmed(ada)
                await ada.context.close()

    asyncio.run(scenario())


def test_a_hostile_message_is_shown_as_it_is(house: House) -> None:
    """To both: what was written, letter by letter, and links lead only to http and https."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, bob = await pair(open_window, viewport={"width": 320, "height": 568})
            for text in HOSTILE_TEXTS:
                await ada.page.evaluate(
                    "text => { const field = document.querySelector('#message'); field.value = text;"
                    " field.dispatchEvent(new Event('input')); }",
                    text,
                )
                kept = await ada.page.input_value("#message")
                await ada.page.press("#message", "Enter")
                await ada.page.wait_for_function("document.querySelector('#message').value === ''")
                await ada.page.locator(".mine .mark:not([data-state=sending])").last.wait_for()
                assert (await ada.texts("mine"))[-1] == kept
            count = len(HOSTILE_TEXTS)
            await bob.page.locator(".bubble.theirs").nth(count - 1).wait_for()
            assert await bob.texts() == await ada.texts("mine")
            for person in (ada, bob):
                await unharmed(person)
                links = await person.page.locator("#log a").evaluate_all(
                    "links => links.map(link => [link.protocol, link.rel, link.target])"
                )
                assert links
                for protocol, rel, target in links:
                    assert protocol == "https:"
                    assert "noopener" in rel
                    assert target == "_blank"

    asyncio.run(scenario())


def test_there_is_no_cookie_and_nothing_is_kept_after_the_tab(house: House) -> None:
    """No cookie, no lasting storage: only the storage of the tab."""

    async def scenario() -> None:
        async with windows(house.http) as open_window:
            ada, _ = await pair(open_window)
            await ada.say("hello")
            await ada.mark("hello", "read")
            assert await ada.context.cookies() == []
            assert await ada.page.evaluate("document.cookie + localStorage.length") == "0"
            assert await ada.page.evaluate("indexedDB.databases()") == []
            assert await ada.page.evaluate("sessionStorage.length") == 1

    asyncio.run(scenario())
