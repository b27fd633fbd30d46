"""How things are for the person at ``chat talk``."""

from dataclasses import dataclass

from chat.client.events import Session
from chat.talk.text import clean


@dataclass(slots=True)
class State:
    """The partner of now, and what is known of both ends. ``status`` says it in a few words."""

    session: Session | None = None
    looking: bool = False
    online: bool = True
    typing: bool = False
    """The partner is."""
    away: bool = False
    """The partner is."""

    def meet(self, session: Session | None) -> None:
        """From here on this is the partner, or nobody is."""
        self.session, self.typing, self.away = session, False, False

    @property
    def partner(self) -> str:
        return clean(self.session.partner_name) if self.session else "nobody"

    @property
    def status(self) -> str:
        if not self.online:
            return "connection lost, coming back…"
        if self.looking:
            return "looking for a stranger…"
        if self.session is None:
            return "nobody is here: /next finds a stranger"
        if self.away:
            return f"{self.partner} is away and may come back"
        return f"{self.partner} is typing…" if self.typing else f"talking with {self.partner}"
