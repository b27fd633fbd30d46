"""``doorstep``: connections that never finish a request are ended, others are left alone."""

from dataclasses import dataclass, field

from chat.doorstep import Doorstep


@dataclass
class Request:
    response_complete: bool = False


@dataclass
class Transport:
    aborted: bool = False

    def abort(self) -> None:
        self.aborted = True


@dataclass(eq=False)
class Visitor:
    cycle: Request | None = None
    transport: Transport = field(default_factory=Transport)


class World:
    """A clock that is turned by hand, with a look each second."""

    def __init__(self, *visitors: Visitor) -> None:
        self.now = 0.0
        self.visitors = list(visitors)
        self.doorstep = Doorstep(5, lambda: self.now)
        self.doorstep.look(self.visitors)

    def until(self, now: float) -> None:
        while self.now < now:
            self.now += 1
            self.doorstep.look(self.visitors)


def test_one_that_says_nothing() -> None:
    """Ended when its time is up, not before."""
    visitor = Visitor()
    world = World(visitor)
    world.until(5)
    assert not visitor.transport.aborted
    world.until(6)
    assert visitor.transport.aborted


def test_one_that_asks_now_and_then() -> None:
    """Its time counts anew from each request, and stands still while it is answered."""
    visitor = Visitor()
    world = World(visitor)
    for _ in range(5):
        world.until(world.now + 4)
        visitor.cycle = Request(response_complete=True)
    visitor.cycle = Request()
    world.until(world.now + 100)
    visitor.cycle.response_complete = True
    world.until(world.now + 5)
    assert not visitor.transport.aborted
    world.until(world.now + 1)
    assert visitor.transport.aborted


def test_those_who_have_gone_are_forgotten() -> None:
    """What the node keeps is bounded by what is open."""
    world = World(Visitor(), Visitor())
    world.visitors.clear()
    world.until(1)
    assert not world.doorstep._seen
