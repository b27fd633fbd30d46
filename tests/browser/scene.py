"""People before the page: a real Chromium, what they do in it, and what they see."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)

from tests.support.browser import chromium

DESKTOP = {"width": 1100, "height": 720}
PHONE = {"width": 360, "height": 640}

Open = Callable[..., Awaitable["Person"]]


def isolated(text: str) -> re.Pattern[str]:
    """That text, whatever of it is kept to itself by the marks that isolate names."""
    return re.compile("[\u2068\u2069]*".join(re.escape(char) for char in text))


class Person:
    """One window. Whatever it asks of another host, and every exception in it, is an error of the page."""

    def __init__(self, page: Page, http: str) -> None:
        self.page = page
        self.context: BrowserContext = page.context
        self.http = http
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)
        page.on("console", lambda line: self._said(line.text))

    # -- what they do

    async def begin(self, name: str) -> None:
        await self.page.fill("#nickname", name)
        await self.page.press("#nickname", "Enter")

    async def say(self, *texts: str) -> None:
        for text in texts:
            await self.page.fill("#message", text)
            await self.page.press("#message", "Enter")

    async def press(self, selector: str) -> None:
        """A click, and another where it asks whether one is sure."""
        await self.page.click(selector)
        if await self.page.locator(f"{selector}[data-sure]").count():
            await self.page.click(selector)

    async def tab(self, name: str) -> None:
        await self.page.get_by_role("tab", name=name).click()

    # -- what they see

    async def sees(self, selector: str, text: str | None = None, *, seconds: float = 10) -> Locator:
        found = self.page.locator(selector)
        await expect(found.first).to_be_visible(timeout=seconds * 1000)
        if text is not None:
            await expect(found.first).to_contain_text(isolated(text), timeout=seconds * 1000)
        return found

    async def sees_no(self, selector: str, *, seconds: float = 10) -> None:
        await expect(self.page.locator(selector)).to_be_hidden(timeout=seconds * 1000)

    async def talks_with(self, name: str) -> None:
        await self.sees("#talk", seconds=15)
        await expect(self.page.locator("#partner")).to_have_text(name)

    async def hears(self, text: str, *, seconds: float = 15) -> None:
        bubble = self.page.locator(".bubble.theirs .text").get_by_text(text, exact=True)
        await expect(bubble).to_be_visible(timeout=seconds * 1000)

    async def mark(self, text: str, state: str, *, seconds: float = 15) -> None:
        """How far what they said has come: sending, sent, read or failed."""
        bubble = self.page.locator(".bubble.mine", has=self.page.get_by_text(text, exact=True))
        mark = bubble.locator(f".mark[data-state={state}]")
        await expect(mark).to_be_visible(timeout=seconds * 1000)

    async def texts(self, whose: str = "theirs") -> list[str]:
        return await self.page.locator(f".bubble.{whose} .text").all_text_contents()

    async def strip_says(self, text: str, *, seconds: float = 15) -> None:
        await expect(self.page.locator("#news")).to_contain_text(
            isolated(text), timeout=seconds * 1000
        )

    async def focused(self) -> str:
        found: str = await self.page.evaluate("document.activeElement.id")
        return found

    async def state(self) -> Any:
        """What the page keeps for a reload."""
        return await self.page.evaluate("JSON.parse(sessionStorage.getItem('chat'))")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self.http):
            self.errors.append(f"asked {request.url}")

    def _said(self, line: str) -> None:
        if "Content Security Policy" in line or "Trusted" in line:
            self.errors.append(line)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A Chromium without a window. Root may not use its sandbox."""
    path = chromium()
    assert path is not None, "there is no Chromium on this machine"
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield running
        finally:
            await running.close()


@asynccontextmanager
async def windows(http: str) -> AsyncIterator[Open]:
    """Opens windows at that address, each of a person of its own; none of them may have an error."""
    people: list[Person] = []
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(browser())

        async def open_window(**options: Any) -> Person:
            settings = {"viewport": DESKTOP, "locale": "en-US", **options}
            context = await running.new_context(**settings)
            context.set_default_timeout(15_000)
            person = Person(await context.new_page(), http)
            people.append(person)
            await person.page.goto(http)
            await person.sees("#start")
            return person

        yield open_window
        for person in people:
            assert not person.errors


async def pair(open_window: Open, **options: Any) -> tuple[Person, Person]:
    """Ada and Bob, who talk with each other."""
    ada = await open_window(**options)
    await ada.begin("Ada")
    await ada.sees("#wait")
    bob = await open_window(**options)
    await bob.begin("Bob")
    await ada.talks_with("Bob")
    await bob.talks_with("Ada")
    return ada, bob
