"""What people do by themselves when something happens to them. A profile says it."""

from chat.load.person import Person


class Plan:
    """Whoever is left looks for somebody else, so that the talk goes on; and nothing more."""

    def met(self, person: Person, *, asked: bool) -> None:
        """It is in a session. ``asked``: it was the other who had waited."""

    def left(self, person: Person, now: float) -> None:
        """Its session has ended."""
        person.match(now)

    def heard(self, person: Person) -> None:
        """A message of its partner has arrived."""

    def refused(self, person: Person, request: str, code: int) -> None:
        """A request of it was answered with a code that is not 0."""
