"""A connection on which mostly nothing is asked."""

from chat.store.wire import Wire


class QuietWire(Wire):
    """It is asked for a sign of life all the time, once ``keep`` was called: otherwise its end would be noticed only
    when it is needed."""

    _kept = False

    def keep(self) -> None:
        """From here on."""
        self._kept = True

    def _beat(self) -> None:
        if self._kept:
            self.call(("PING",), lambda reply: None)
